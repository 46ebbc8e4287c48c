package io.penstock.replay;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A plot of lines over axes, as SVG text. Colours are classes of the page's style. */
final class Plot {
  private static final int LEFT = 46;
  private static final int RIGHT = 26;
  private static final int TOP = 12;
  private static final int BOTTOM = 34;

  /** A line; NaN breaks it. */
  record Line(String name, String style, double[] x, double[] y) {}

  private final int width;
  private final int height;
  private final boolean logarithmic;
  private final double xLow;
  private final double xHigh;
  private final double yHigh;
  private final StringBuilder out = new StringBuilder();

  /**
   * @param logarithmic whether its x-axis is
   */
  Plot(int width, int height, boolean logarithmic, double xLow, double xHigh, double yHigh) {
    this.width = width;
    this.height = height;
    this.logarithmic = logarithmic;
    this.xLow = xLow;
    this.xHigh = Math.max(xHigh, xLow * 1.001 + 1e-9);
    this.yHigh = yHigh <= 0 ? 1 : yHigh;
  }

  /** Ticks of the y-axis, and lines across. */
  Plot yAxis(double[] ticks, String unit) {
    for (double each : ticks) {
      String y = n(y(each));
      out.append("<line class=\"grid\" x1=\"")
          .append(LEFT)
          .append("\" x2=\"")
          .append(width - RIGHT);
      out.append("\" y1=\"").append(y).append("\" y2=\"").append(y).append("\"/>");
      text(LEFT - 6, y(each) + 4, "end", number(each) + unit);
    }
    return this;
  }

  /** Ticks of the x-axis, and what it shows. */
  Plot xAxis(double[] ticks, String title) {
    for (double each : ticks) {
      if (each >= xLow && each <= xHigh) {
        String x = n(x(each));
        out.append("<line class=\"grid\" y1=\"")
            .append(TOP)
            .append("\" y2=\"")
            .append(height - BOTTOM);
        out.append("\" x1=\"").append(x).append("\" x2=\"").append(x).append("\"/>");
        text(x(each), height - BOTTOM + 15, "middle", number(each));
      }
    }
    text((LEFT + width - RIGHT) / 2.0, height - 4, "middle", title);
    return this;
  }

  /** A line down, where the bound of good is. */
  Plot bound(double at) {
    if (at >= xLow && at <= xHigh) {
      String x = n(x(at));
      out.append("<line class=\"bound\" y1=\"")
          .append(TOP)
          .append("\" y2=\"")
          .append(height - BOTTOM);
      out.append("\" x1=\"").append(x).append("\" x2=\"").append(x).append("\"/>");
    }
    return this;
  }

  Plot lines(List<Line> lines) {
    for (Line each : lines) {
      StringBuilder path = new StringBuilder();
      boolean open = false;
      for (int i = 0; i < each.x().length; i++) {
        double y = each.y()[i];
        if (Double.isNaN(y)) {
          open = false;
          continue;
        }
        path.append(open ? 'L' : 'M').append(n(x(each.x()[i]))).append(' ').append(n(y(y)));
        open = true;
      }
      out.append("<path class=\"").append(each.style()).append("\" d=\"").append(path);
      out.append("\"><title>").append(HtmlReport.escaped(each.name())).append("</title></path>");
    }
    return this;
  }

  String svg(String label) {
    return "<svg viewBox=\"0 0 "
        + width
        + " "
        + height
        + "\" role=\"img\" aria-label=\""
        + HtmlReport.escaped(label)
        + "\">"
        + out
        + "</svg>";
  }

  private double x(double value) {
    double inside = Math.min(xHigh, Math.max(xLow, value));
    double at =
        logarithmic
            ? Math.log(inside / xLow) / Math.log(xHigh / xLow)
            : (inside - xLow) / (xHigh - xLow);
    return LEFT + at * (width - LEFT - RIGHT);
  }

  private double y(double value) {
    double at = Math.min(1, Math.max(0, value / yHigh));
    return height - BOTTOM - at * (height - TOP - BOTTOM);
  }

  private void text(double x, double y, String anchor, String words) {
    out.append("<text x=\"")
        .append(n(x))
        .append("\" y=\"")
        .append(n(y))
        .append("\" text-anchor=\"");
    out.append(anchor).append("\">").append(HtmlReport.escaped(words)).append("</text>");
  }

  private static String n(double value) {
    return String.format(Locale.ROOT, "%.1f", value);
  }

  private static String number(double value) {
    return value == Math.rint(value)
        ? String.format(Locale.ROOT, "%,d", (long) value)
        : String.format(Locale.ROOT, "%s", value);
  }

  /** About so many round numbers from 0 to {@code high}. */
  static double[] ticks(double high, int about) {
    double step = Math.pow(10, Math.floor(Math.log10(Math.max(1e-9, high / about))));
    @Nullable Double best = null;
    for (double times : new double[] {1, 2, 5, 10}) {
      if (best == null && high / (step * times) <= about) {
        best = step * times;
      }
    }
    double by = best == null ? step * 10 : best;
    List<Double> ticks = new ArrayList<>();
    for (int i = 0; i * by <= high * 1.0001; i++) {
      ticks.add(i * by);
    }
    return ticks.stream().mapToDouble(Double::doubleValue).toArray();
  }

  /** 1, 2 and 5 times the powers of ten. */
  static double[] decades() {
    List<Double> ticks = new ArrayList<>();
    for (double decade = 1; decade <= 1e7; decade *= 10) {
      ticks.add(decade);
    }
    return ticks.stream().mapToDouble(Double::doubleValue).toArray();
  }
}
