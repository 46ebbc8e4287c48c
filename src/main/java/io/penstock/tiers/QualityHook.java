package io.penstock.tiers;

import io.penstock.inference.CascadePolicy;
import java.util.function.Consumer;
import java.util.function.DoubleConsumer;

/** A judge outside: says how good an answer is. Of one event loop; never blocks it. */
public interface QualityHook {
  /**
   * What it is asked.
   *
   * @param requestId as the client knows it
   * @param tier whose answer it is
   * @param model that gave it
   * @param threshold below which the next tier is asked
   */
  record Question(String requestId, String tier, String model, Draft draft, double threshold) {}

  /**
   * Asks it. One of the two is called, once, on the same loop, unless it is cancelled before.
   *
   * @param quality gets 0..1
   * @param failed is told why there is no such answer
   * @return cancels the question: nobody wants to know any more
   */
  Runnable ask(
      CascadePolicy.Hook at, Question question, DoubleConsumer quality, Consumer<String> failed);
}
