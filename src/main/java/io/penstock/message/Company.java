package io.penstock.message;

import static io.penstock.inference.Checks.require;

/**
 * With whom a request may share a call: part of an {@link Admit}.
 *
 * @param key equal for requests of one pool that ask for the same
 * @param inputs how many the request brings
 */
public record Company(String key, int inputs) {
  public Company {
    require(inputs >= 1, "inputs", inputs, ">= 1");
  }
}
