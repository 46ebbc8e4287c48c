package io.penstock.calibrate;

/** Embeddings could not be had; the message says of whom, what was found, and what was expected. */
public final class EmbeddingsException extends Exception {
  EmbeddingsException(String message) {
    super(message);
  }
}
