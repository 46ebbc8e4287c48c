package io.penstock.config;

/**
 * On which machine a configuration is looked at. Certificates and the like are files of the machine
 * that the node will run on.
 */
public enum Machine {
  /** The node's own: a file that can not be read is a mistake. */
  THIS,
  /** A desk or a build server: a file that can not be read is worth a word. */
  ANOTHER
}
