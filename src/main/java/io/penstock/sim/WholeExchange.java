package io.penstock.sim;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.buffer.Buffer;
import org.jspecify.annotations.Nullable;

/** An answer in one piece, sent when all of it exists. */
abstract class WholeExchange extends Exchange {
  private int missing;

  WholeExchange(Replica replica, Wire wire, @Nullable SimFault fault) {
    super(replica, wire, fault);
  }

  /** Puts a sequence into the core; the answer waits for all its tokens. */
  final void await(Prompt prompt, int tokens) {
    missing += tokens;
    submit(prompt, tokens);
  }

  /** The answer comes after so long. */
  final void awaitTurn(long millis) {
    missing = 1;
    after(millis, () -> progress(0, 1));
  }

  /** The body of a success. */
  abstract ObjectNode body();

  @Override
  final String contentType() {
    return JSON;
  }

  @Override
  final void progress(int sequence, int count) {
    missing -= count;
    if (missing == 0) {
      deliver();
    }
  }

  private void deliver() {
    SimFault fault = fault();
    if (fault == null) {
      send(Json.bytes(body()));
      return;
    }
    switch (fault.kind()) {
      case STALL -> after(fault.millis(), () -> send(Json.bytes(body())));
      case HUGE -> send(Json.bytes(body().put("padding", "x".repeat(fault.bytes()))));
      case ERROR -> {
        end(Ending.FAULTED);
        wire()
            .whole(
                200,
                JSON,
                Buffer.buffer(
                    Json.error("simulated fault in a 200", "internal_error", null, "simulated")));
      }
      case MALFORMED -> {
        byte[] whole = Json.bytes(body());
        end(Ending.FAULTED);
        wire().whole(200, JSON, Buffer.buffer(whole).slice(0, whole.length / 2).copy());
      }
      case RESET, EOF -> {
        byte[] whole = Json.bytes(body());
        end(Ending.FAULTED);
        wire().head(200, JSON, whole.length);
        wire().write(Buffer.buffer(whole).slice(0, whole.length / 2).copy());
        if (fault.kind() == SimFault.Kind.RESET) {
          wire().reset();
        } else {
          wire().cut();
        }
      }
      default -> send(Json.bytes(body()));
    }
  }

  private void send(byte[] bytes) {
    wire().whole(200, JSON, Buffer.buffer(bytes));
    end(Ending.FINISHED);
  }
}
