/**
 * The composition root: builds a node from its configuration. Nobody imports it but the commands.
 */
@NullMarked
package io.penstock.app;

import org.jspecify.annotations.NullMarked;
