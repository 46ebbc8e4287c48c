package io.penstock.bus;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.ConnectTimeoutException;
import io.penstock.bus.Knocker.Answer;
import io.penstock.fake.Ports;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.NoRouteToHostException;
import java.net.ServerSocket;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TcpKnockerTest {
  @ParameterizedTest(name = "native: {0}")
  @ValueSource(booleans = {false, true})
  void tellsAPortWhereNobodyListensFromOneWhereSomebodyDoes(boolean nativeTransport)
      throws IOException {
    Vertx vertx = Vertx.vertx(new VertxOptions().setPreferNativeTransport(nativeTransport));
    try (ServerSocket silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      TcpKnocker knocker = new TcpKnocker(vertx);
      assertThat(knock(knocker, Ports.free())).isEqualTo(Answer.REFUSED);
      assertThat(knock(knocker, silent.getLocalPort()))
          .as("as a process does that hangs")
          .isEqualTo(Answer.ACCEPTED);
      for (String none : List.of("", "a", ":", "a:b", "a:-1", ":5701")) {
        assertThat(TestCluster.await(knocker.knock(none))).as(none).isEqualTo(Answer.NONE);
      }
    } finally {
      TestCluster.await(vertx.close());
    }
  }

  /** Once more where the machine is slower than the knocker is patient. */
  private static Answer knock(TcpKnocker knocker, int port) {
    Answer answer = Answer.NONE;
    for (int i = 0; i < 20 && answer == Answer.NONE; i++) {
      answer = TestCluster.await(knocker.knock("127.0.0.1:" + port));
    }
    return answer;
  }

  @Test
  void doesNotGoByTheSystemsLanguage() {
    assertThat(TcpKnocker.isRefusal(new ConnectException("Verbindungsaufbau abgelehnt"))).isTrue();
    assertThat(
            TcpKnocker.isRefusal(
                new ConnectException(
                    "finishConnect(..) failed with error(-111): Verbindungsaufbau abgelehnt:"
                        + " /10.0.0.2:5701")))
        .isTrue();
    assertThat(
            TcpKnocker.isRefusal(
                new ConnectException(
                    "finishConnect(..) failed with error(-110): Connection refused by nobody")))
        .isFalse();
    assertThat(TcpKnocker.isRefusal(new ConnectTimeoutException("after 800 ms"))).isFalse();
    assertThat(TcpKnocker.isRefusal(new NoRouteToHostException("Keine Route"))).isFalse();
    assertThat(TcpKnocker.isRefusal(new SocketException("Network is unreachable"))).isFalse();
    assertThat(TcpKnocker.isRefusal(new UnknownHostException("a"))).isFalse();
  }
}
