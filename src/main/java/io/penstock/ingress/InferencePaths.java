package io.penstock.ingress;

import io.penstock.inference.Operation;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Where each operation is served, here and at engines. */
final class InferencePaths {
  private InferencePaths() {}

  static String of(Operation operation) {
    return switch (operation) {
      case CHAT -> "/v1/chat/completions";
      case COMPLETION -> "/v1/completions";
      case EMBEDDINGS -> "/v1/embeddings";
    };
  }

  /** The operation that is served at a path. */
  static Optional<Operation> operation(@Nullable String path) {
    for (Operation each : Operation.values()) {
      if (of(each).equals(path)) {
        return Optional.of(each);
      }
    }
    return Optional.empty();
  }
}
