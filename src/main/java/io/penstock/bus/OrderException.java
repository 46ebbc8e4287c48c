package io.penstock.bus;

import io.penstock.fault.Fault;

/** An order of an operator that can not be carried out; the message is for him. */
public final class OrderException extends RuntimeException {
  private final transient Fault fault;
  private final String param;

  /**
   * @param message what was found, and what was expected
   * @param param the field at fault; empty when none is
   */
  public OrderException(Fault fault, String message, String param) {
    super(message, null, false, false);
    this.fault = fault;
    this.param = param;
  }

  /** What kind of mistake it is. */
  public Fault fault() {
    return fault;
  }

  /** The field at fault; empty when none is. */
  public String param() {
    return param;
  }
}
