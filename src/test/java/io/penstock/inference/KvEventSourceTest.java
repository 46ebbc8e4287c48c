package io.penstock.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KvEventSourceTest {

  @ParameterizedTest
  @CsvSource({
    "tcp://{host}:5557, http://10.0.0.7:8000, 0, tcp://10.0.0.7:5557",
    "tcp://{host}:5557, http://10.0.0.7:8000, 3, tcp://10.0.0.7:5560",
    "tcp://{host}:{port+1000}, http://engine-1.llm:8000, 0, tcp://engine-1.llm:9000",
    "tcp://{host}:{port-1000}, http://h:8000, 1, tcp://h:7001",
    "tcp://{host}:{port}, https://h, 0, tcp://h:443",
    "tcp://{host}:5557, http://[::1]:8000, 0, tcp://[::1]:5557",
    "tcp://events:{port}, http://h:8000, 0, tcp://events:8000",
    "tcp://{host}:65535, http://h:8000, 1, ",
    "tcp://{host}:{port-8000}, http://h:8000, 0, ",
  })
  void comesToAnAddress(String endpoint, String url, int rank, String address) {
    assertThat(KvEventSource.address(endpoint, url, rank)).isEqualTo(Optional.ofNullable(address));
  }

  @ParameterizedTest
  @CsvSource({
    "tcp://*:5557",
    "http://h:1",
    "tcp://h",
    "tcp://h:0",
    "tcp://h:65536",
    "tcp://{host}:{port*2}",
    "tcp://{hosts}:1",
    "tcp://h:1/x",
    "ipc:///tmp/x",
    "''"
  })
  void isNone(String endpoint) {
    assertThatThrownBy(() -> new KvEventSource(endpoint, Optional.empty(), "", 1))
        .hasMessage("endpoint: '" + endpoint + "' (expected: " + KvEventSource.FORM + ")");
  }

  @Test
  void ranksAreBounded() {
    assertThatThrownBy(() -> new KvEventSource("tcp://h:1", Optional.empty(), "", 65))
        .hasMessage("ranks: 65 (expected: 1..64)");
  }
}
