/**
 * A node's file, and the fleet's where all nodes share one: what it may say, what it says, and what
 * should be said about it. Owns the two JSON Schemas, which are the single source of structure,
 * reference text and defaults; hears nothing and says nothing on the bus; opens no port.
 *
 * <p>A file goes through these steps, and through all of them whatever the earlier ones found, so
 * that every mistake is reported at once: strict JSON ({@code JsonFile}), the environment ({@code
 * Environment}), the schema ({@code Structure}), defaults ({@code SchemaNode}), rules that a schema
 * can not state ({@code NodeRules}, {@code FleetRules}, {@code TierRules}, {@code TenantRules}).
 * Only a tree without a mistake becomes records ({@code Records}), and only those are advised upon
 * ({@code Advisor}).
 *
 * <p>Decisions: unknown keys are mistakes, because a misspelt limit is no limit. A mistake names a
 * key once; what follows from it is not reported again. Files that only the node's machine has
 * (certificates, a Hazelcast file, a watched list) are mistakes there and advice elsewhere, so that
 * a configuration can be checked before it is shipped. The fleet's hash is over values with their
 * defaults, so it does not change with layout, key order or a default written out.
 */
@NullMarked
package io.penstock.config;

import org.jspecify.annotations.NullMarked;
