package io.penstock.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import io.penstock.config.Defaults;
import io.penstock.inference.EngineKind;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BackendsTest {
  private final List<HttpServer> servers = new ArrayList<>();

  @AfterEach
  void stop() {
    servers.forEach(server -> server.stop(0));
  }

  @ParameterizedTest
  @CsvSource({
    "vllm, VLLM",
    "sglang, SGLANG",
    "llamacpp, LLAMA_CPP",
    "tensorrt_llm, TENSORRT_LLM",
    "me, OPENAI"
  })
  void knowsAnEngineByItsSignature(String owner, EngineKind kind) throws IOException {
    String url = engine(200, "{\"data\":[{\"id\":\"a\",\"owned_by\":\"" + owner + "\"}]}");

    assertThat(Backends.ask(List.of(url), Optional.empty()))
        .containsExactly(new Defaults.Backend(url, kind, List.of("a")));
    assertThat(Backends.ask(List.of(url), Optional.of(EngineKind.TGI)))
        .containsExactly(new Defaults.Backend(url, EngineKind.TGI, List.of("a")));
  }

  @Test
  void asksAllAndKeepsTheirOrder() throws IOException {
    String one = engine(200, "{\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}]}");
    String two = engine(200, "{\"data\":[{\"id\":\"b\"}]}");

    assertThat(Backends.ask(List.of(one, two), Optional.empty()))
        .extracting(Defaults.Backend::models)
        .containsExactly(List.of("a", "b"), List.of("b"));
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      delimiter = '|',
      value = {
        "404 | {} | GET /v1/models was answered with 404 (check that this is an engine with the"
            + " OpenAI API, and that it has started)",
        "401 | {} | GET /v1/models was answered with 401 (the engine wants a key; write a"
            + " configuration file with the pool's engine_api_key)",
        "200 | <html> | the answer to GET /v1/models is not JSON (check that this is an engine with"
            + " the OpenAI API)",
        "200 | {\"data\":[]} | GET /v1/models names no model (check that the engine has loaded one:"
            + " {\"data\":[{\"id\":\"…\"}]} was expected)",
        "200 | [] | GET /v1/models names no model (check that the engine has loaded one:"
            + " {\"data\":[{\"id\":\"…\"}]} was expected)"
      })
  void saysWhatIsWrongWithAnAnswer(int status, String body, String problem) throws IOException {
    String url = engine(status, body);

    assertThatThrownBy(() -> Backends.ask(List.of(url), Optional.empty()))
        .isInstanceOfSatisfying(
            CliException.class, e -> assertThat(e.exitCode()).isEqualTo(ExitCode.FAILED))
        .hasMessage("--backend " + url + ": " + problem);
  }

  @Test
  void namesEveryEngineThatCannotBeReached() throws IOException {
    String good = engine(200, "{\"data\":[{\"id\":\"a\"}]}");
    String closed = engine(200, "");
    servers.get(1).stop(0);

    assertThatThrownBy(
            () ->
                Backends.ask(
                    List.of(good, closed, "http://no-such-host.invalid:1"), Optional.empty()))
        .hasMessage(
            "--backend "
                + closed
                + ": the connection was refused (check that the engine is running and that host and"
                + " port are right)\n"
                + "--backend http://no-such-host.invalid:1: the host name does not resolve (check"
                + " that the engine is running and that host and port are right)");
  }

  private String engine(int status, String body) throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0), 0);
    server.createContext(
        "/v1/models",
        exchange -> {
          byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
          exchange.getResponseBody().write(bytes);
          exchange.close();
        });
    server.start();
    servers.add(server);
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }
}
