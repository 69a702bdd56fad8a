import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;

/** The router in Kafka Streams, exactly_once_v2: one stateless step, the topic by the decision. */
public final class Router {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Router() {}

    public static void main(String[] arguments) throws IOException {
        Rules rules = Rules.read(Path.of(setting("RULES")), JSON);
        KafkaStreams streams = new KafkaStreams(topology(rules), properties());
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler
                .StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
    }

    private static Topology topology(Rules rules) {
        Map<String, String> topics =
            Map.of("marketplace", setting("MARKETPLACE"), "general", setting("GENERAL"));
        StreamsBuilder builder = new StreamsBuilder();
        builder
            .stream(setting("REQUESTS"), Consumed.with(Serdes.ByteArray(), json()))
            .mapValues(event -> Ticket.of(event, rules, JSON))
            .to(
                (key, ticket, context) ->
                    topics.get(ticket.get("data").get("decision").get("queue").textValue()),
                Produced.with(Serdes.ByteArray(), json()));
        return builder.build();
    }

    private static Properties properties() {
        Properties properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, setting("GROUP"));
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, setting("BOOTSTRAP"));
        properties.put(StreamsConfig.STATE_DIR_CONFIG, setting("STATE"));
        properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        properties.put(
            StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        properties.put(
            StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 256 * 1024);
        return properties;
    }

    private static Serde<JsonNode> json() {
        return Serdes.serdeFrom(
            (topic, node) -> {
                try {
                    return JSON.writeValueAsBytes(node);
                } catch (IOException error) {
                    throw new SerializationException(error);
                }
            },
            (topic, bytes) -> {
                try {
                    return JSON.readTree(bytes);
                } catch (IOException error) {
                    throw new SerializationException(error);
                }
            });
    }

    static String setting(String name) {
        return System.getenv("BENCH_" + name);
    }
}
