package io.penstock.calibrate;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.penstock.calibrate.Bootstrap.Interval;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.file.Path;
import java.util.TreeSet;

/**
 * The figures of a calibration as JSON, to six digits: shares and scores as they are, costs as
 * parts of the better model's, null where there is no figure. Pure.
 */
final class JsonReport {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final MathContext DIGITS = new MathContext(6);

  private final CalibrationFigures of;

  private JsonReport(CalibrationFigures of) {
    this.of = of;
  }

  static String of(CalibrationFigures figures) {
    try {
      DefaultIndenter lines = new DefaultIndenter("  ", "\n");
      return JSON.writer(new DefaultPrettyPrinter().withObjectIndenter(lines))
              .writeValueAsString(new JsonReport(figures).root())
          + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree of plain values cannot fail to be written", e);
    }
  }

  private ObjectNode root() {
    ObjectNode root = JSON.createObjectNode();
    root.set("options", options());
    root.put("requests", of.totals().count());
    root.put("subsets", of.subsets());
    root.set("cheaper", model(of.weak(), of.totals().weakMean()));
    root.set("better", model(of.strong(), of.totals().strongMean()));
    ArrayNode routers = root.putArray("routers");
    of.routers().forEach(each -> routers.add(router(each)));
    ArrayNode leads = root.putArray("apgr_of_learned_above");
    for (CalibrationFigures.Lead each : of.leads()) {
      leads.add(interval(each.apgr()).put("router", each.over()));
    }
    ArrayNode subsets = root.putArray("by_subset");
    of.bySubset().forEach(each -> subsets.add(subset(each)));
    ArrayNode costs = root.putArray("costs");
    for (CostTable.Row each : of.costs()) {
      ObjectNode row = costs.addObject().put("way", each.name());
      put(row, "cost", each.cost());
      put(row, "score", each.score());
      put(row, "to_better", each.strongShare());
    }
    if (!of.noCosts().isEmpty()) {
      root.put("no_costs", of.noCosts());
    }
    return root;
  }

  private ObjectNode options() {
    CalibrationConfig config = of.config();
    ObjectNode options = JSON.createObjectNode();
    ArrayNode data = options.putArray("data");
    config.data().stream().map(Path::toString).forEach(data::add);
    options.put("holdout", config.bySubset() ? "subset" : "random");
    options.put("folds", config.folds());
    options.put("seed", config.seed());
    options.put("bootstrap", config.resamples());
    options.put("words", config.wordBits());
    put(options, "price_weak", config.weakPrice());
    put(options, "price_strong", config.strongPrice());
    options.put("contaminated", config.contaminated());
    ArrayNode without = options.putArray("without");
    new TreeSet<>(config.without()).forEach(without::add);
    config
        .embeddings()
        .ifPresent(
            by ->
                options
                    .putObject("embeddings")
                    .put("url", by.endpoint().toString())
                    .put("model", by.model())
                    .put("dimension", of.dimension())
                    .put("chars", by.charsMax()));
    return options;
  }

  private static ObjectNode model(String name, double mean) {
    ObjectNode model = JSON.createObjectNode().put("model", name);
    put(model, "mean_score", mean);
    return model;
  }

  private static ObjectNode router(CalibrationFigures.Router of) {
    ObjectNode router = JSON.createObjectNode().put("router", of.name());
    router.set("apgr", interval(of.apgr()));
    router.set("cpt50", interval(of.cpt50()));
    router.set("cpt80", interval(of.cpt80()));
    ArrayNode curve = router.putArray("pgr");
    for (int hundredths = 0; hundredths < of.pgr().size(); hundredths++) {
      curve.addArray().add(rounded(hundredths / 100.0)).add(rounded(of.pgr(hundredths)));
    }
    return router;
  }

  private ObjectNode subset(CalibrationFigures.Subset each) {
    ObjectNode subset = JSON.createObjectNode().put("subset", each.name());
    subset.put("requests", each.totals().count());
    put(subset, "cheaper_mean_score", each.totals().weakMean());
    put(subset, "better_mean_score", each.totals().strongMean());
    ObjectNode apgr = subset.putObject("apgr");
    for (int i = 0; i < each.apgr().size(); i++) {
      put(apgr, of.routers().get(i).name(), each.apgr().get(i).orElse(Double.NaN));
    }
    return subset;
  }

  private static ObjectNode interval(Interval of) {
    ObjectNode interval = JSON.createObjectNode();
    put(interval, "value", of.value());
    put(interval, "low", of.low());
    put(interval, "high", of.high());
    return interval;
  }

  private static void put(ObjectNode to, String name, double value) {
    if (Double.isFinite(value)) {
      to.put(name, rounded(value));
    } else {
      to.putNull(name);
    }
  }

  private static BigDecimal rounded(double value) {
    BigDecimal rounded = new BigDecimal(value).round(DIGITS);
    return rounded.signum() == 0
        ? BigDecimal.ZERO
        : new BigDecimal(rounded.stripTrailingZeros().toPlainString());
  }
}
