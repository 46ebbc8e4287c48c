package io.penstock.ingress;

import io.penstock.openai.Slice;
import io.vertx.core.MultiMap;

/** What an attempt asks: a call of its own to a replica, or a lane of one that others share. */
interface Upstream {
  /** Called on the event loop, and not any more once the call is over. */
  interface Listener {
    void sent();

    /** What stands before the body. */
    void head(int status, MultiMap headers);

    /** Part of the body. */
    void data(Slice piece);

    void ended();

    void failed(Throwable cause);
  }

  void start();

  /** Stops reading until {@link #resume}. */
  void pause();

  void resume();

  /** The answer is complete by its own word: what follows is dropped. */
  void finish();

  /** Ends it, in whatever phase it is; the engine need not go on. */
  void cancel();
}
