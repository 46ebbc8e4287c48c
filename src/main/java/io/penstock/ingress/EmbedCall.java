package io.penstock.ingress;

import io.penstock.inference.ComplexityEstimator.Embedder;
import io.penstock.inference.Operation;
import io.penstock.inference.Outcome;
import io.penstock.inference.Pool;
import io.penstock.inference.TokenUsage;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.function.Consumer;

/**
 * Has a model of the fleet embed one prompt. It can not be what it waits for, since the request
 * that it is for holds no slot yet. One of the two consumers is told, once, unless it is cancelled
 * before.
 *
 * <p>An answer that is late by this budget is the engine's fault by no other: the slot goes back as
 * that of a client that has left.
 */
final class EmbedCall extends SideCall {
  static final String TIMEOUT = "timeout";
  static final String NO_SLOT = "no_slot";
  static final String REFUSED = "refused";
  static final String BROKEN = "broken";
  static final String MALFORMED = "malformed";

  private static final int ANSWER_MAX_BYTES = 1 << 20;

  private final String text;
  private final Consumer<float[]> embedded;
  private final Consumer<String> failed;

  /**
   * @param text not blank
   * @param failed told why, by one of a closed list
   */
  EmbedCall(
      LoopParts loop,
      Asker asker,
      Embedder by,
      String text,
      Consumer<float[]> embedded,
      Consumer<String> failed) {
    super(
        loop,
        asker,
        new Terms(
            by.model(),
            Operation.EMBEDDINGS,
            by.timeout(),
            0,
            ANSWER_MAX_BYTES,
            Outcome.CANCELLED));
    this.text = text;
    this.embedded = embedded;
    this.failed = failed;
  }

  @Override
  Buffer body(Pool of) {
    return new JsonObject()
        .put("model", of.nameForEngine().value())
        .put("input", text)
        .put("encoding_format", "float")
        .toBuffer();
  }

  @Override
  void answered(int status, byte[] answer) {
    EngineAnswer judged = EngineAnswer.judge("the embedder", status, "", answer);
    if (judged instanceof EngineAnswer.Passed passed && passed.outcome() == Outcome.OK) {
      float[] vector = vector(answer);
      if (vector.length == 0) {
        fail(MALFORMED, Outcome.OK);
      } else if (close(Outcome.OK, passed.usage())) {
        embedded.accept(vector);
      }
    } else {
      boolean blamesUs = status >= 400 && status < 500;
      fail(REFUSED, blamesUs ? Outcome.OK : Outcome.FAULT);
    }
  }

  /** Empty where the answer has none. */
  private static float[] vector(byte[] answer) {
    try {
      JsonArray data = new JsonObject(Buffer.buffer(answer)).getJsonArray("data");
      JsonArray numbers = data.getJsonObject(0).getJsonArray("embedding");
      float[] vector = new float[numbers.size()];
      for (int i = 0; i < vector.length; i++) {
        vector[i] = numbers.getFloat(i);
      }
      return vector;
    } catch (DecodeException
        | ClassCastException
        | NullPointerException
        | IndexOutOfBoundsException no) {
      return new float[0];
    }
  }

  private void fail(String why, Outcome outcome) {
    if (close(outcome, TokenUsage.NONE)) {
      failed.accept(why);
    }
  }

  @Override
  void failed(Trouble trouble) {
    failed.accept(
        switch (trouble) {
          case LATE -> TIMEOUT;
          case NO_SLOT -> NO_SLOT;
          case TOO_LONG -> MALFORMED;
          case BROKEN -> BROKEN;
        });
  }
}
