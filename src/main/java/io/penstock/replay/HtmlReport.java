package io.penstock.replay;

import io.penstock.load.Durations;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * The report as one HTML file: style and plots are in it, there is no script and nothing to load.
 */
final class HtmlReport {
  /** Hue and saturation of each policy's colour, in the order of {@link Policy#names}. */
  private static final int[][] COLOURS = {
    {210, 22}, {205, 75}, {45, 75}, {265, 50}, {28, 70}, {180, 65}, {318, 55}, {142, 62}, {238, 60},
    {2, 65}, {210, 6},
  };

  private final ReplayReport report;
  private final StringBuilder out = new StringBuilder();

  private HtmlReport(ReplayReport report) {
    this.report = report;
  }

  static String of(ReplayReport report) {
    HtmlReport html = new HtmlReport(report);
    html.write();
    return html.out.toString();
  }

  static String escaped(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }

  private void write() {
    String title = "Replay of " + report.traceName();
    line("<!doctype html>");
    line("<html lang=\"en\"><head><meta charset=\"utf-8\">");
    line("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    line("<title>%s</title>", escaped(title));
    line("<style>%s</style></head><body><main>", STYLE + colours());
    line("<header><p class=\"brand\">penstock replay</p><h1>%s</h1>", escaped(report.traceName()));
    line("<p>%s</p>", escaped(report.fleetInWords()));
    line("<dl>");
    fact("load", report.loadInWords());
    fact("good", "within " + report.config().goodput());
    fact("trace", String.format(Locale.ROOT, "%,d requests", report.traceRows()));
    fact("KV blocks", report.blockTokens() + " tokens");
    fact("seed", Long.toString(report.config().seed()));
    if (!report.config().warmup().isZero()) {
      fact("warm-up", Durations.print(report.config().warmup()));
    }
    line("</dl></header>");
    legend();
    line("<div class=\"two\">");
    section("Goodput", "Share of the requests within the bounds.", goodput());
    section(
        "Time to first token",
        "Share of the answers that had begun by then; the dashed line is the bound.",
        firstTokens());
    line("</div>");
    section("Goodput over time", "By when requests arrived.", goodputOverTime());
    section("Figures", "", table());
    section(
        "Load of each replica",
        "Requests that a replica had at a time, one line a replica; all on one scale.",
        loads());
    line("</main></body></html>");
  }

  private void fact(String name, String value) {
    line("<div><dt>%s</dt><dd>%s</dd></div>", escaped(name), escaped(value));
  }

  private void section(String title, String words, String content) {
    line("<section><h2>%s</h2>%s", title, words.isEmpty() ? "" : "<p>" + words + "</p>");
    line("%s</section>", content);
  }

  private void legend() {
    out.append("<ul class=\"legend\">");
    for (int i = 0; i < report.results().size(); i++) {
      out.append("<li><i class=\"b").append(colour(i)).append("\"></i>");
      out.append(escaped(report.results().get(i).policy())).append("</li>");
    }
    line("</ul>");
  }

  /** A policy has its colour in every report, whichever others are in it. */
  private int colour(int result) {
    return Policy.names().indexOf(report.results().get(result).policy()) % COLOURS.length;
  }

  private String goodput() {
    StringBuilder bars = new StringBuilder("<div class=\"bars\">");
    for (int i = 0; i < report.results().size(); i++) {
      Result each = report.results().get(i);
      bars.append(
          String.format(
              Locale.ROOT,
              "<span>%s</span><div><i class=\"b%d\" style=\"width:%.2f%%\"></i></div><b>%.1f&thinsp;%%</b>",
              escaped(each.policy()),
              colour(i),
              100 * each.goodShare(),
              100 * each.goodShare()));
    }
    return bars.append("</div>").toString();
  }

  private String firstTokens() {
    double low = Double.POSITIVE_INFINITY;
    double high = 0;
    List<Plot.Line> lines = new ArrayList<>();
    for (int i = 0; i < report.results().size(); i++) {
      Spread spread = report.results().get(i).firstToken();
      double[] x = Arrays.stream(spread.curve()).map(ms -> Math.max(1, ms)).toArray();
      double[] y = new double[x.length];
      Arrays.setAll(y, at -> (double) at);
      if (spread.count() > 0) {
        low = Math.min(low, x[0]);
        high = Math.max(high, x[x.length - 1]);
        lines.add(new Plot.Line(report.results().get(i).policy(), "l l" + colour(i), x, y));
      }
    }
    double bound = report.config().goodput().ttft().map(d -> d.toNanos() / 1e6).orElse(0.0);
    Plot plot = new Plot(560, 300, true, Math.min(low, 1e6), Math.max(high, bound * 1.1), 100);
    return plot.yAxis(new double[] {0, 25, 50, 75, 100}, " %")
        .xAxis(Plot.decades(), "ms, logarithmic")
        .bound(bound)
        .lines(lines)
        .svg("Time to first token, cumulative, one line a policy");
  }

  private String goodputOverTime() {
    double end = 1;
    List<Plot.Line> lines = new ArrayList<>();
    for (int i = 0; i < report.results().size(); i++) {
      Result each = report.results().get(i);
      double width = each.goodBucketSeconds();
      lines.add(line(each.policy(), "l l" + colour(i), width, each.goodShares(), 100));
      int last = each.goodShares().size();
      while (last > 0 && each.goodShares().get(last - 1).isNaN()) {
        last--; // the last answers may end long after the last arrival
      }
      end = Math.max(end, last * width);
    }
    return new Plot(1130, 260, false, 0, end, 100)
        .yAxis(new double[] {0, 25, 50, 75, 100}, " %")
        .xAxis(Plot.ticks(end, 12), "seconds")
        .lines(lines)
        .svg("Share of good requests over time, one line a policy");
  }

  private static Plot.Line line(
      String name, String style, double width, List<Double> values, double times) {
    double[] x = new double[values.size()];
    double[] y = new double[values.size()];
    for (int i = 0; i < x.length; i++) {
      x[i] = (i + 0.5) * width;
      y[i] = values.get(i) * times;
    }
    return new Plot.Line(name, style, x, y);
  }

  private String loads() {
    double end = 1;
    double most = 1;
    for (Result each : report.results()) {
      for (Result.OfReplica replica : each.replicas()) {
        end = Math.max(end, replica.live().size() * each.bucketSeconds());
        most = Math.max(most, replica.live().stream().mapToDouble(v -> v).max().orElse(0));
      }
    }
    StringBuilder all = new StringBuilder("<div class=\"many\">");
    for (int i = 0; i < report.results().size(); i++) {
      Result each = report.results().get(i);
      List<Plot.Line> lines = new ArrayList<>();
      for (Result.OfReplica replica : each.replicas()) {
        lines.add(line(replica.id(), "t l" + colour(i), each.bucketSeconds(), replica.live(), 1));
      }
      all.append("<figure><figcaption>").append(escaped(each.policy()));
      all.append(String.format(Locale.ROOT, " <small>imbalance %.2f</small>", each.imbalance()));
      all.append("</figcaption>");
      all.append(
          new Plot(360, 190, false, 0, end, most)
              .yAxis(Plot.ticks(most, 4), "")
              .xAxis(Plot.ticks(end, 5), "seconds")
              .lines(lines)
              .svg("Requests on each replica under " + each.policy()));
      all.append("</figure>");
    }
    return all.append("</div>").toString();
  }

  private String table() {
    StringBuilder rows =
        new StringBuilder(
            "<div class=\"wide\"><table><thead><tr><th rowspan=\"2\">policy</th><th"
                + " rowspan=\"2\">requests</th><th rowspan=\"2\">good</th><th colspan=\"2\">TTFT,"
                + " ms</th><th colspan=\"2\">ITL, ms</th><th>of an answer</th><th"
                + " rowspan=\"2\">prefix hits</th><th rowspan=\"2\">of an infinite cache’s</th><th"
                + " rowspan=\"2\">imbalance</th><th colspan=\"2\">queue, ms</th><th"
                + " rowspan=\"2\">not ok</th>"
                + (report.hasCost() ? "<th rowspan=\"2\">$ for 1,000 good</th>" : "")
                + "</tr><tr><th>p50</th><th>p99</th><th>p50</th><th>p99</th>"
                + "<th>p99</th><th>mean</th><th>p99</th></tr></thead><tbody>");
    double best = report.results().stream().mapToDouble(Result::goodShare).max().orElse(0);
    for (int i = 0; i < report.results().size(); i++) {
      Result r = report.results().get(i);
      rows.append(
          String.format(
              Locale.ROOT,
              "<tr%s><td><i class=\"b%d\"></i>%s</td><td>%,d</td><td>%.1f&thinsp;%%</td><td>%,.0f</td>"
                  + "<td>%,.0f</td><td>%.1f</td><td>%.1f</td><td>%.1f</td><td>%.1f&thinsp;%%</td>"
                  + "<td>%.1f&thinsp;%%</td><td>%.2f</td><td>%,.0f</td><td>%,.0f</td><td>%,d</td>%s</tr>",
              r.goodShare() == best ? " class=\"best\"" : "",
              colour(i),
              escaped(r.policy()),
              r.counted(),
              100 * r.goodShare(),
              r.firstToken().p50(),
              r.firstToken().p99(),
              r.gaps().p50(),
              r.gaps().p99(),
              r.meanGaps().p99(),
              100 * r.hitShare(),
              100 * r.hitShareOfInfinite(),
              r.imbalance(),
              r.waits().mean(),
              r.waits().p99(),
              r.counted() - r.of(Call.End.OK),
              report.hasCost() ? "<td>" + report.usdPerThousandGoodInWords(r) + "</td>" : ""));
    }
    return rows.append("</tbody></table></div>").toString();
  }

  private void line(String format, Object... args) {
    out.append(args.length == 0 ? format : String.format(Locale.ROOT, format, args)).append('\n');
  }

  private static String colours() {
    StringBuilder css = new StringBuilder();
    for (int i = 0; i < COLOURS.length; i++) {
      String colour = "hsl(" + COLOURS[i][0] + " " + COLOURS[i][1] + "% var(--light))";
      css.append(".l").append(i).append("{stroke:").append(colour).append('}');
      css.append(".b").append(i).append("{background:").append(colour).append('}');
    }
    return css.toString();
  }

  private static final String STYLE =
      """
      :root{color-scheme:light dark;--page:#f5f6f8;--card:#fff;--ink:#1b2430;--soft:#5d6b7c;--rule:#e3e7ec;--light:46%}
      @media(prefers-color-scheme:dark){:root{--page:#0f141a;--card:#182029;--ink:#e8edf3;--soft:#93a1b2;--rule:#2a3541;--light:62%}}
      *{box-sizing:border-box}
      body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
      main{max-width:1200px;margin:0 auto;padding:32px 20px 60px}
      h1{font-size:26px;margin:0 0 4px;letter-spacing:-.01em}
      h2{font-size:16px;margin:0 0 2px}
      p{margin:0 0 12px;color:var(--soft)}
      .brand{font-size:12px;letter-spacing:.12em;text-transform:uppercase;margin:0 0 6px}
      dl{display:flex;flex-wrap:wrap;gap:8px 28px;margin:14px 0 0}
      dt{font-size:12px;color:var(--soft)}dd{margin:0}
      section{background:var(--card);border:1px solid var(--rule);border-radius:10px;padding:18px 20px;margin:16px 0 0}
      .two{display:grid;grid-template-columns:repeat(auto-fit,minmax(420px,1fr));gap:0 16px}
      .many{display:grid;grid-template-columns:repeat(auto-fill,minmax(320px,1fr));gap:14px}
      figure{margin:0}figcaption{font-weight:600;font-size:14px}small{color:var(--soft);font-weight:400}
      .legend{display:flex;flex-wrap:wrap;gap:4px 18px;list-style:none;margin:20px 0 0;padding:0;font-size:14px}
      i{display:inline-block}
      .legend i,td i{width:11px;height:11px;border-radius:3px;margin-right:7px;vertical-align:-1px}
      .bars{display:grid;grid-template-columns:auto 1fr auto;gap:9px 12px;align-items:center;font-size:14px}
      .bars div{background:var(--rule);border-radius:4px;height:16px}
      .bars i{display:block;height:16px;border-radius:4px}
      .bars b,td{font-variant-numeric:tabular-nums}
      svg{display:block;width:100%;height:auto}
      svg text{fill:var(--soft);font-size:11px}
      .grid{stroke:var(--rule)}.bound{stroke:var(--soft);stroke-dasharray:4 4}
      path{fill:none;stroke-linejoin:round}.l{stroke-width:2}.t{stroke-width:1.2;opacity:.75}path:hover{stroke-width:4;opacity:1}
      .wide{overflow-x:auto}
      table{border-collapse:collapse;width:100%;font-size:14px}
      th{font-weight:500;color:var(--soft);font-size:12px;vertical-align:bottom}
      th,td{padding:6px 9px;text-align:right;border-bottom:1px solid var(--rule);white-space:nowrap}
      th:first-child,td:first-child{text-align:left}th[colspan]{text-align:center}thead tr+tr th:first-child{text-align:right}
      thead th{white-space:normal}.best td{font-weight:650}
      """;
}
