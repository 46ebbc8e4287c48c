package io.penstock.faults;

import static io.penstock.faults.Cell.Allowed.frame;
import static io.penstock.faults.Cell.Allowed.status;
import static io.penstock.faults.Cell.Allowed.whole;

import io.penstock.faults.Cell.Allowed;
import io.penstock.faults.CellRun.Ask;
import io.penstock.sim.SimFault;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Faults of one request on its engine, each with what its client must see in each mode. */
final class Table {
  private static final int REQUESTS = 6;

  /** Frames of an answer: the role, the tokens, the usage. */
  private static final int FRAMES = CellRun.TOKENS + 2;

  private static final String DEADLINE = "1500";

  private final List<Cell> cells = new ArrayList<>();

  /** All rows. */
  static List<Cell> cells() {
    Table table = new Table();
    table.strikesOnce();
    table.strikesAlways();
    table.refused();
    return table.cells;
  }

  private static Map<Mode, Allowed> in(Allowed stream, Allowed other) {
    Map<Mode, Allowed> all = new EnumMap<>(Mode.class);
    all.put(Mode.STREAM, stream);
    all.put(Mode.WHOLE, other);
    all.put(Mode.EMBEDDINGS, other);
    return all;
  }

  private static Map<Mode, Allowed> everywhere(Allowed allowed) {
    return in(allowed, allowed);
  }

  private static Map<Mode, Allowed> inStreams(Allowed allowed) {
    return Map.of(Mode.STREAM, allowed);
  }

  private void row(String fault, String simFault, Map<Mode, Allowed> expected) {
    row(fault, simFault, expected, new String[0]);
  }

  private void row(String fault, String simFault, Map<Mode, Allowed> expected, String... header) {
    expected.forEach(
        (mode, allowed) -> {
          Ask ask = Ask.with(simFault);
          if (header.length > 0 && mode != Mode.STREAM) {
            ask.header(header[0], header[1]);
          }
          cells.add(
              new Cell(fault, mode, run -> run.expect(fault, run.fire(REQUESTS, ask), allowed))
                  .attempts(simFault.contains("once=") ? 3 : 5));
        });
  }

  /** Another replica, or the same one a moment later, would do it: the client sees nothing. */
  private void strikesOnce() {
    String once = ";once=%s";
    Allowed late = status(408, 504);
    row("accepted, then silent", "silent" + once, in(whole(), late), timeout());
    row("headers, then silent", "headers_only" + once, in(whole(), late), timeout());
    row("reset before the headers", "reset;after=before_headers" + once, everywhere(whole()));
    row("reset after 0 of n frames", "reset;after=0" + once, everywhere(whole()));
    row("reset after 1 of n frames", "reset;after=1" + once, inStreams(whole()));
    row("reset after n/2 frames", "reset;after=" + FRAMES / 2 + once, inStreams(whole()));
    row("reset after n-1 tokens", "reset;after=" + CellRun.TOKENS + once, inStreams(whole()));
    row(
        "reset before [DONE]",
        "reset;after=all" + once,
        inStreams(whole().or(frame("upstream_truncated"))));
    row("end before the headers", "eof;after=before_headers" + once, everywhere(whole()));
    row("clean end after 0 of n frames", "eof;after=0" + once, everywhere(whole()));
    row("clean end after 1 of n frames", "eof;after=1" + once, inStreams(whole()));
    row("clean end after n/2 frames", "eof;after=" + FRAMES / 2 + once, inStreams(whole()));
    row("clean end after n-1 tokens", "eof;after=" + CellRun.TOKENS + once, inStreams(whole()));
    row(
        "clean end before [DONE]",
        "eof;after=all" + once,
        inStreams(whole().or(frame("upstream_truncated"))));
    row("stall of 300 ms", "stall;after=12;ms=300" + once, everywhere(whole()));
    row(
        "stall past the idle deadline",
        "stall;after=12;ms=20000" + once,
        in(whole().or(frame("idle_timeout")), late),
        timeout());
    row(
        "stall past the first token's deadline",
        "stall;after=1;ms=20000" + once,
        inStreams(whole()));
    row("malformed frame at first", "malformed;after=0" + once, everywhere(whole()));
    row("malformed frame after n/2", "malformed;after=12" + once, inStreams(whole()));
    row("every byte on its own", "split" + once, everywhere(whole()));
    row("frame of 1 MiB", "huge;after=12" + once, everywhere(whole()));
    row("error object in a 200 at first", "error;after=0" + once, everywhere(whole()));
    row("error object in a 200 after n/2", "error;after=12" + once, inStreams(whole()));
    row("500", "status;status=500" + once, everywhere(whole()));
    row("502", "status;status=502" + once, everywhere(whole()));
    row("503 with Retry-After", "status;status=503;retry_after=1" + once, everywhere(whole()));
    row("429", "status;status=429" + once, everywhere(whole()));
    row("headers byte by byte", "slow_headers;ms=2" + once, everywhere(whole()));
  }

  private static String[] timeout() {
    return new String[] {"x-penstock-timeout-ms", DEADLINE};
  }

  /** It strikes wherever the request goes: the client is told. */
  private void strikesAlways() {
    Allowed failed = status(500, 502, 503);
    // A stream that waits for so long has been kept alive by comments, or not yet.
    Allowed silent = status(504).or(frame("first_token_timeout"));
    row("always: silent", "silent", in(silent, status(408, 504)), timeout());
    row("always: reset before the headers", "reset;after=before_headers", everywhere(failed));
    row("always: reset after 4", "reset;after=4", in(frame(), failed));
    row("always: clean end after 4", "eof;after=4", in(frame(), failed));
    // Frames that come with the fault in one read are not sent to a client that has had none.
    Allowed afterSome = frame().or(status(502));
    row("always: malformed after 4", "malformed;after=4", in(afterSome, failed));
    row("always: error object after 4", "error;after=4", in(afterSome, failed));
    row("always: 500", "status;status=500", everywhere(failed));
    row("always: 503 with Retry-After", "status;status=503;retry_after=1", everywhere(status(503)));
    row("always: 429", "status;status=429", everywhere(status(429, 503)));
    row("always: 400", "status;status=400", everywhere(status(400)));
  }

  private void refused() {
    for (Mode mode : Mode.values()) {
      cells.add(
          new Cell(
              "refused",
              mode,
              run -> {
                run.arm(0, SimFault.of(SimFault.Kind.REFUSED));
                run.expect("whole", run.fire(2 * REQUESTS, new Ask()), whole());
              }));
    }
  }
}
