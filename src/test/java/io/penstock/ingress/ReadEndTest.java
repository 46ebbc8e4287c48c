package io.penstock.ingress;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import io.vertx.core.internal.ContextInternal;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Each case is one turn of a real event loop, and what the next ones bring. */
class ReadEndTest {
  private final Vertx vertx = Vertx.vertx();
  private final ContextInternal context = (ContextInternal) vertx.getOrCreateContext();
  private final ReadEnd readEnd = new ReadEnd(context);
  private final List<String> told = new ArrayList<>(); // touched on the loop

  @AfterEach
  void close() throws Exception {
    vertx.close().toCompletionStage().toCompletableFuture().get(20, TimeUnit.SECONDS);
  }

  private Runnable tells(String what) {
    return () -> told.add(what);
  }

  /** What is told by the end of the turn after the one after this one. */
  private List<String> inOneTurn(Runnable theTurn) throws Exception {
    CompletableFuture<List<String>> all = new CompletableFuture<>();
    context.runOnContext(
        now -> {
          theTurn.run();
          context.runOnContext(
              next -> context.runOnContext(later -> all.complete(List.copyOf(told))));
        });
    return all.get(20, TimeUnit.SECONDS);
  }

  @Test
  void whatNoSocketBringsWaitsForTheEndOfTheTurn() throws Exception {
    List<String> all =
        inOneTurn(
            () -> {
              readEnd.then(tells("one"));
              readEnd.then(tells("two"));
              told.add("the turn");
            });
    assertThat(all).containsExactly("the turn", "one", "two");
  }

  @Test
  void whatASocketBringsRunsWhenItHasBeenRead() throws Exception {
    List<String> all =
        inOneTurn(
            () -> {
              readEnd.begins();
              readEnd.then(tells("one"));
              readEnd.then(tells("two"));
              told.add("read");
              readEnd.ends();
              told.add("the next socket");
              readEnd.begins();
              readEnd.then(tells("three"));
              readEnd.ends();
              told.add("the turn");
            });
    assertThat(all).containsExactly("read", "one", "two", "the next socket", "three", "the turn");
  }

  @Test
  void whatWaitedBeforeGoesWithIt() throws Exception {
    List<String> all =
        inOneTurn(
            () -> {
              readEnd.then(tells("before"));
              readEnd.begins();
              readEnd.then(tells("one"));
              readEnd.ends();
              told.add("the turn");
              readEnd.then(tells("after"));
            });
    assertThat(all).containsExactly("before", "one", "the turn", "after");
  }

  @Test
  void whatIsPutOffByWhatRunsIsNotLost() throws Exception {
    List<String> all =
        inOneTurn(
            () -> {
              readEnd.begins();
              readEnd.then(
                  () -> {
                    told.add("one");
                    readEnd.then(tells("two"));
                    readEnd.begins();
                    readEnd.then(tells("three"));
                    readEnd.ends();
                  });
              readEnd.ends();
              told.add("the turn");
            });
    assertThat(all).containsExactly("one", "the turn", "two", "three");
  }

  @Test
  void whatThrowsStopsNoOther() throws Exception {
    List<String> all =
        inOneTurn(
            () -> {
              readEnd.begins();
              readEnd.then(
                  () -> {
                    throw new IllegalStateException("thrown by a test");
                  });
              readEnd.then(tells("one"));
              readEnd.then(
                  () -> {
                    throw new AssertionError("thrown by a test");
                  });
              readEnd.ends();
              readEnd.then(tells("two"));
            });
    assertThat(all).containsExactly("one", "two");
  }
}
