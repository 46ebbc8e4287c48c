package io.penstock.sim;

import io.vertx.core.Context;
import io.vertx.core.buffer.Buffer;

/** Sends every byte of the body in a chunk of its own, one to a turn of the event loop. */
final class SplitWire implements Wire {
  private final Wire inner;
  private final Context context;
  private Buffer pending = Buffer.buffer();
  private int sent;
  private boolean ending;
  private boolean scheduled;
  private Runnable drained = () -> {};

  SplitWire(Wire inner, Context context) {
    this.inner = inner;
    this.context = context;
    inner.onDrain(this::schedule);
  }

  @Override
  public void header(String name, String value) {
    inner.header(name, value);
  }

  @Override
  public void head(int status, String contentType, int length) {
    inner.head(status, contentType, -1);
  }

  @Override
  public void write(Buffer bytes) {
    pending.appendBuffer(bytes);
    schedule();
  }

  @Override
  public void end() {
    ending = true;
    schedule();
  }

  @Override
  public boolean isFull() {
    return pending.length() > 0;
  }

  @Override
  public void onDrain(Runnable action) {
    drained = action;
  }

  @Override
  public void reset() {
    inner.reset();
  }

  @Override
  public void cut() {
    inner.cut();
  }

  private void schedule() {
    if (!scheduled && !inner.isFull()) {
      scheduled = true;
      context.runOnContext(turn -> sendOne());
    }
  }

  private void sendOne() {
    scheduled = false;
    if (sent < pending.length()) {
      inner.write(pending.slice(sent, ++sent).copy());
      schedule();
      return;
    }
    if (pending.length() > 0) {
      pending = Buffer.buffer();
      sent = 0;
      drained.run();
    }
    if (ending && pending.length() == 0) {
      ending = false;
      inner.end();
    }
  }
}
