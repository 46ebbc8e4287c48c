/**
 * The field's nouns as records: models, pools, replicas, tenants, requests, token counts. No
 * behaviour beyond checking their own values; no Vert.x.
 */
@NullMarked
package io.penstock.inference;

import org.jspecify.annotations.NullMarked;
