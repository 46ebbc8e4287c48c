package io.penstock.sim;

import io.vertx.core.buffer.Buffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One request on its way through an engine: sequences in the core on one side, a wire on the other.
 * Ends exactly once, as finished, cancelled or faulted.
 */
abstract class Exchange implements Sequence.Owner {
  static final String JSON = "application/json";
  private static final double NANOS_PER_MILLI = 1e6;

  private final Replica replica;
  private final Wire wire;
  private final @Nullable SimFault fault;
  private final long startNanos;
  private final List<Sequence> sequences = new ArrayList<>();
  private boolean ended;

  Exchange(Replica replica, Wire wire, @Nullable SimFault fault) {
    this.replica = replica;
    this.wire = wire;
    this.fault = fault;
    this.startNanos = replica.nanos();
  }

  /** Puts the request's sequences into the core, and whatever can be sent onto the wire. */
  final void begin() {
    switch (fault == null ? Opening.NORMAL : Opening.of(fault)) {
      case NORMAL -> open();
      case SILENT -> {} // until the client has enough
      case HEADERS_ONLY -> wire.head(200, contentType(), -1);
      case RESET -> {
        end(Ending.FAULTED);
        wire.reset();
      }
      case STATUS -> refuse();
    }
  }

  private enum Opening {
    NORMAL,
    SILENT,
    HEADERS_ONLY,
    RESET,
    STATUS;

    static Opening of(SimFault fault) {
      return switch (fault.kind()) {
        case SILENT -> SILENT;
        case HEADERS_ONLY -> HEADERS_ONLY;
        case STATUS -> STATUS;
        case RESET, EOF -> fault.after() == SimFault.BEFORE_HEADERS ? RESET : NORMAL;
        default -> NORMAL;
      };
    }
  }

  private void refuse() {
    SimFault wanted = Objects.requireNonNull(fault);
    if (wanted.retryAfterSeconds() > 0) {
      wire.header("retry-after", Integer.toString(wanted.retryAfterSeconds()));
    }
    String type = wanted.status() == 429 ? "rate_limit_error" : "internal_error";
    end(Ending.FAULTED);
    wire.whole(
        wanted.status(),
        JSON,
        Buffer.buffer(Json.error("simulated fault: " + wanted.status(), type, null, "simulated")));
  }

  /** Submits the sequences. */
  abstract void open();

  /** The content type of a success. */
  abstract String contentType();

  /** More tokens of one sequence may be shown. */
  abstract void progress(int sequence, int count);

  /** Puts a sequence into the core; all of one exchange arrive at one time. */
  final void submit(Prompt prompt, int tokens) {
    sequences.add(
        replica.core().submit(this, prompt.hashes(), prompt.tokens(), tokens, startNanos));
  }

  @Override
  public final void onTokens(Sequence sequence, int count, long atNanos) {
    if (ended) {
      return;
    }
    int index = sequences.indexOf(sequence);
    if (fault == null || fault.kind() != SimFault.Kind.SLOW) {
      progress(index, count);
      return;
    }
    double delay = (fault.factor() - 1) * (atNanos - startNanos) / NANOS_PER_MILLI;
    after(Math.round(delay), () -> progress(index, count));
  }

  @Override
  public final void onFinished(Sequence sequence, long atNanos) {
    // Both kinds of answer know their length and see the end in the last token.
  }

  /** Does it later, unless the exchange has ended by then. */
  final void after(long millis, Runnable action) {
    replica
        .vertx()
        .setTimer(
            Math.max(1, millis),
            fired -> {
              if (!ended) {
                action.run();
              }
            });
  }

  /** The client is gone. */
  final void onClientGone() {
    end(Ending.CANCELLED);
  }

  /** The engine is dying. */
  final void onKilled() {
    end(Ending.FAULTED);
  }

  /** Settles the exchange; the sequences that still run are cancelled. */
  final void end(Ending ending) {
    if (ended) {
      return;
    }
    ended = true;
    if (ending != Ending.FINISHED) {
      sequences.forEach(each -> replica.core().cancel(each, replica.nanos()));
    }
    replica.onEnded(this, ending);
  }

  /** How an exchange may end. */
  enum Ending {
    FINISHED,
    CANCELLED,
    FAULTED
  }

  final boolean hasEnded() {
    return ended;
  }

  final Wire wire() {
    return wire;
  }

  final @Nullable SimFault fault() {
    return fault;
  }

  final Replica replica() {
    return replica;
  }

  /** Prompt tokens that came from the prefix cache, of every {@code stride}-th sequence. */
  final int cachedTokens(int stride) {
    int cached = 0;
    for (int i = 0; i < sequences.size(); i += stride) {
      cached += Math.max(0, sequences.get(i).cachedTokens);
    }
    return cached;
  }
}
