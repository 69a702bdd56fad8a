import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;

/** The ticket event: envelope, decision, and the whole request inside. */
final class Ticket {
    private Ticket() {}

    static JsonNode of(JsonNode event, Rules rules, ObjectMapper json) {
        JsonNode request = event.get("data");
        Rules.Decision decision =
            rules.decide(request.get("subject").textValue(), request.get("body").textValue());
        String subject = event.get("subject").textValue();
        ObjectNode ticket = json.createObjectNode();
        ticket.put("specversion", "1.0");
        ticket.put("id", "ticket-" + subject);
        ticket.put("source", "/benchmark/peer");
        ticket.put("type", "assistance.ticket.created.v1");
        ticket.put("subject", subject);
        ticket.put("time", Instant.now().toString());
        ticket.put("datacontenttype", "application/json");
        ticket.set("traceparent", event.get("traceparent"));
        ObjectNode data = ticket.putObject("data");
        data.put("request_id", subject);
        write(data.putObject("decision"), decision);
        data.set("request", request);
        return ticket;
    }

    private static void write(ObjectNode node, Rules.Decision decision) {
        node.put("queue", decision.queue());
        node.put("rule", decision.rule());
        ArrayNode words = node.putArray("words");
        decision.words().forEach(words::add);
        node.putObject("scores")
            .put("marketplace", decision.marketplace())
            .put("general", decision.general());
    }
}
