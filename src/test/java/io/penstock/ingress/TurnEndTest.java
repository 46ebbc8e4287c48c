package io.penstock.ingress;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import io.vertx.core.internal.ContextInternal;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Each case is one turn of a real event loop, and what the next ones bring. */
class TurnEndTest {
  private final Vertx vertx = Vertx.vertx();
  private final ContextInternal context = (ContextInternal) vertx.getOrCreateContext();
  private final TurnEnd turn = new TurnEnd(context);
  private final List<String> told = new ArrayList<>(); // touched on the loop

  @AfterEach
  void close() throws Exception {
    vertx.close().toCompletionStage().toCompletableFuture().get(20, TimeUnit.SECONDS);
  }

  private Runnable tells(String what) {
    return () -> told.add(what);
  }

  /** What is told by the end of the turn after the one after this one. */
  private List<String> inOneTurn(Consumer<List<String>> theTurn) throws Exception {
    CompletableFuture<List<String>> all = new CompletableFuture<>();
    context.runOnContext(
        now -> {
          theTurn.accept(told);
          context.runOnContext(
              next -> context.runOnContext(later -> all.complete(List.copyOf(told))));
        });
    return all.get(20, TimeUnit.SECONDS);
  }

  @Test
  void whatNoSocketBringsWaitsForTheEndOfTheTurn() throws Exception {
    List<String> all =
        inOneTurn(
            now -> {
              turn.then(tells("one"));
              turn.then(tells("two"));
              now.add("the turn");
            });
    assertThat(all).containsExactly("the turn", "one", "two");
  }

  @Test
  void whatASocketBringsRunsWhenItHasBeenRead() throws Exception {
    List<String> all =
        inOneTurn(
            now -> {
              turn.readBegins();
              turn.then(tells("one"));
              turn.then(tells("two"));
              now.add("read");
              turn.readEnds();
              now.add("the next socket");
              turn.readBegins();
              turn.then(tells("three"));
              turn.readEnds();
              now.add("the turn");
            });
    assertThat(all).containsExactly("read", "one", "two", "the next socket", "three", "the turn");
  }

  @Test
  void whatWaitedBeforeGoesWithIt() throws Exception {
    List<String> all =
        inOneTurn(
            now -> {
              turn.then(tells("before"));
              turn.readBegins();
              turn.then(tells("one"));
              turn.readEnds();
              now.add("the turn");
              turn.then(tells("after"));
            });
    assertThat(all).containsExactly("before", "one", "the turn", "after");
  }

  @Test
  void whatIsPutOffByWhatRunsIsNotLost() throws Exception {
    List<String> all =
        inOneTurn(
            now -> {
              turn.readBegins();
              turn.then(
                  () -> {
                    now.add("one");
                    turn.then(tells("two"));
                    turn.readBegins();
                    turn.then(tells("three"));
                    turn.readEnds();
                  });
              turn.readEnds();
              now.add("the turn");
            });
    assertThat(all).containsExactly("one", "the turn", "two", "three");
  }

  @Test
  void whatThrowsStopsNoOther() throws Exception {
    List<String> all =
        inOneTurn(
            now -> {
              turn.readBegins();
              turn.then(
                  () -> {
                    throw new IllegalStateException("thrown by a test");
                  });
              turn.then(tells("one"));
              turn.readEnds();
              turn.then(tells("two"));
            });
    assertThat(all).containsExactly("one", "two");
  }
}
