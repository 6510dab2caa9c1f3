/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Figures for Prometheus, in a file that its node exporter reads (textfile
 * collector): read back, changed and replaced as a whole under a lock, so that
 * counters outlive processes and commands that end together do not lose any.
 */
#ifndef NSE_CMD_METRICS_H
#define NSE_CMD_METRICS_H

#include <jansson.h>

#include "lib/util/config.h"
#include "lib/util/error.h"

struct cmd_metrics;

/*
 * Locks and reads the file that [metrics] textfile names. *m is NULL when none is
 * named; every function below takes NULL and does nothing then. What is in the
 * file and is not nsemig's is dropped. -EBUSY with a text when another process has
 * the lock for longer than that ever takes.
 */
int cmd_metrics_open(struct cmd_metrics **m, const struct nse_config *config,
		     struct nse_error *err);

/*
 * Sets a sample, or adds to one (0 makes it exist). name is one of those that
 * metrics.c describes; label is NULL for a metric without.
 */
void cmd_metrics_set(struct cmd_metrics *m, const char *name, const char *label,
		     const char *value, double to);
void cmd_metrics_add(struct cmd_metrics *m, const char *name, const char *label,
		     const char *value, double by);

/* Drops the samples with that label whose value is not in the list of texts. */
void cmd_metrics_retain(struct cmd_metrics *m, const char *label, const json_t *values);

/* Replaces the file (mode 0644) and frees m, in any case. 0 or -errno with a text. */
int cmd_metrics_close(struct cmd_metrics *m, struct nse_error *err);

#endif
