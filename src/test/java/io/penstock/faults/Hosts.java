package io.penstock.faults;

import java.util.List;

/** Where nodes run, and how they are reached. */
interface Hosts {
  /** All on this one. */
  Hosts THIS =
      new Hosts() {
        @Override
        public List<String> runner(int node) {
          return List.of();
        }

        @Override
        public String forClients(int node) {
          return "127.0.0.1";
        }

        @Override
        public String forNodes(int node) {
          return "127.0.0.1";
        }

        @Override
        public String ofEngines() {
          return "127.0.0.1";
        }

        @Override
        public String listensOn() {
          return "127.0.0.1";
        }
      };

  /** The command that runs another on a node's host. */
  List<String> runner(int node);

  /** The address at which clients reach a node. */
  String forClients(int node);

  /** The address at which the other nodes reach it. */
  String forNodes(int node);

  /** The address at which nodes reach the engines. */
  String ofEngines();

  /** The address on which nodes listen for clients. */
  String listensOn();
}
