package io.penstock.sim;

/** Hears what becomes of the blocks of a {@link KvCache}; on the cache's own thread. */
interface KvListener {
  /** Nobody hears. */
  KvListener NONE =
      new KvListener() {
        @Override
        public void stored(long blockHash) {}

        @Override
        public void removed(long blockHash) {}

        @Override
        public void cleared() {}
      };

  /** A full block can be found from now on. */
  void stored(long blockHash);

  /** A block can be found no more, since its room was needed. */
  void removed(long blockHash);

  /** No block can be found any more. */
  void cleared();
}
