import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** The twenty rules: looks the words of a text up; the heavier queue has it. */
final class Rules {
    record Rule(String name, String queue, double weight) {}

    record Decision(
        String queue, String rule, List<String> words, double marketplace, double general) {}

    private final Map<String, Rule> byWord = new HashMap<>();

    static Rules read(Path file, ObjectMapper json) throws IOException {
        Rules rules = new Rules();
        for (JsonNode node : json.readTree(file.toFile()).get("rules")) {
            Rule rule = new Rule(
                node.get("name").asText(), node.get("queue").asText(), node.get("weight").asDouble());
            node.get("words").forEach(word -> rules.byWord.put(fold(word.asText()), rule));
        }
        return rules;
    }

    Decision decide(String subject, String body) {
        double marketplace = 0;
        double general = 0;
        Map<Rule, Double> weights = new HashMap<>();
        List<String> words = new ArrayList<>();
        Set<String> seen = new HashSet<>();
        String text = fold(subject + "\n" + body);
        for (int at = 0; at < text.length(); ) {
            int begin = at;
            while (at < text.length() && isWord(text.charAt(at))) {
                at++;
            }
            if (at == begin) {
                at++;
                continue;
            }
            String word = text.substring(begin, at);
            Rule rule = byWord.get(word);
            if (rule == null || !seen.add(word)) {
                continue;
            }
            weights.merge(rule, rule.weight(), Double::sum);
            words.add(word);
            if (rule.queue().equals("marketplace")) {
                marketplace += rule.weight();
            } else {
                general += rule.weight();
            }
        }
        String queue = marketplace > general ? "marketplace" : "general";
        return new Decision(queue, heaviest(weights, queue), words, marketplace, general);
    }

    private static String heaviest(Map<Rule, Double> weights, String queue) {
        return weights.entrySet().stream()
            .filter(entry -> entry.getKey().queue().equals(queue))
            .max(Map.Entry.comparingByValue())
            .map(entry -> entry.getKey().name())
            .orElse("default");
    }

    private static boolean isWord(char c) {
        return c >= 'a' && c <= 'z' || c >= '0' && c <= '9';
    }

    private static String fold(String text) {
        String apart = Normalizer.normalize(text.toLowerCase(Locale.ROOT), Normalizer.Form.NFD);
        StringBuilder folded = new StringBuilder(apart.length());
        for (int at = 0; at < apart.length(); at++) {
            if (apart.charAt(at) < 128) {
                folded.append(apart.charAt(at));
            }
        }
        return folded.toString();
    }
}
