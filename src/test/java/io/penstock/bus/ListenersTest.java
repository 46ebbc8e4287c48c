package io.penstock.bus;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Context;
import io.vertx.core.Vertx;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ListenersTest {
  private final Vertx vertx = Vertx.vertx();
  private final Listeners<String> listeners = new Listeners<>();
  private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();

  @AfterEach
  void close() throws Exception {
    vertx.close().toCompletionStage().toCompletableFuture().get(60, TimeUnit.SECONDS);
  }

  private String next() throws InterruptedException {
    return String.valueOf(heard.poll(60, TimeUnit.SECONDS));
  }

  @Test
  void tellsTheValueOfNowAndEachThatFollows() throws Exception {
    listeners.add(vertx, heard::add, () -> "now");
    assertThat(next()).isEqualTo("now");
    listeners.tell("then");
    assertThat(next()).isEqualTo("then");
  }

  @Test
  void aContextThatIsRetiredHearsNothingAndIsForgotten() throws Exception {
    Context gone = vertx.getOrCreateContext();
    Context stays = vertx.getOrCreateContext();
    listeners.add(gone, value -> heard.add("gone " + value), () -> "now");
    assertThat(next()).isEqualTo("gone now");
    listeners.add(stays, value -> heard.add("stays " + value), () -> "now");
    assertThat(next()).isEqualTo("stays now");

    Listeners.retire(gone);
    listeners.tell("then");

    assertThat(next()).isEqualTo("stays then");
    assertThat(listeners.size()).isEqualTo(1);
    assertThat(heard).isEmpty();
  }
}
