/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages and figures of migrations, sessions, snapshots and recoveries.
 */
#include "cmd/event.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmd/cmd.h"
#include "cmd/log.h"
#include "cmd/metrics.h"
#include "cmd/output.h"
#include "lib/util/cleanup.h"

/* MESSAGE_IDs, which nsemig.conf(5) documents. */
#define ID_MIGRATION "3cdb7cbe670847ab922d0e24796a510f"
#define ID_SESSION   "b752159625f54b8f89ed4e825123c2f4"
#define ID_SNAPSHOTS "20da227300414c3c874366f133449131"
#define ID_RECOVERED "223170ad173f435f9e4373db267e5830"

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (double)ts.tv_sec + (double)(ts.tv_nsec / 1000) / 1e6;
}

static struct cmd_metrics *open_metrics(const struct nse_config *config)
{
	struct nse_error err = { 0 };
	struct cmd_metrics *m;

	if (cmd_metrics_open(&m, config, &err) < 0) {
		nse_error_prefix(&err, "the metrics are not written");
		cmd_fail(&err);
	}
	return m;
}

static void close_metrics(struct cmd_metrics *m)
{
	struct nse_error err = { 0 };

	if (cmd_metrics_close(m, &err) < 0) {
		nse_error_prefix(&err, "the metrics are not written");
		cmd_fail(&err);
	}
}

/* Counts one; what did not happen yet is there with 0, so that rates begin. */
static void count(struct cmd_metrics *m, const char *name, const char *const *results,
		  const char *result)
{
	for (size_t i = 0; results[i]; i++)
		cmd_metrics_add(m, name, "result", results[i],
				strcmp(results[i], result) == 0);
}

static const char *text(const json_t *obj, const char *name)
{
	const char *s = json_string_value(json_object_get(obj, name));

	return s ? s : "";
}

static json_int_t number(const json_t *obj, const char *name)
{
	return json_integer_value(json_object_get(obj, name));
}

static void measure_migration(const struct nse_config *config, const json_t *report)
{
	static const char *const results[] = { "migrated", "aborted", "unclear", NULL };
	const json_t *phases = json_object_get(report, "phases_us");
	const json_t *records = json_object_get(report, "records");
	struct cmd_metrics *m = open_metrics(config);
	const char *result = text(report, "result");

	count(m, "nsemig_migrations_total", results, result);
	cmd_metrics_set(m, "nsemig_migration_last_timestamp_seconds", "result", result,
			now());
	if (strcmp(result, "migrated") == 0) {
		cmd_metrics_set(m, "nsemig_migration_frozen_seconds", NULL, NULL,
				(double)number(phases, "frozen") / 1e6);
		cmd_metrics_set(m, "nsemig_migration_commit_seconds", NULL, NULL,
				(double)number(phases, "commit") / 1e6);
		cmd_metrics_set(m, "nsemig_migration_hold_seconds", NULL, NULL,
				(double)number(report, "hold_us") / 1e6);
		cmd_metrics_set(m, "nsemig_migration_records", NULL, NULL,
				(double)number(records, "carried"));
	}
	close_metrics(m);
}

/* Why, what has become of it, and what to do, as the terminal has it. */
#define WHY (NSE_ERROR_MAX + 2 * NSE_STATE_MAX + 16)

static const char *add_why(json_t *fields, const struct nse_error *err, char text[WHY])
{
	const struct {
		const char *name, *lead, *text;
	} parts[] = {
		{ "reason", ": ", err->text },
		{ "state", "\n", err->state },
		{ "advice", "\nTo do: ", err->advice },
	};
	int n = 0;

	text[0] = '\0';
	for (size_t i = 0; err->code && i < NSE_ARRAY_SIZE(parts); i++)
		if (parts[i].text[0]) {
			json_object_set_new(fields, parts[i].name,
					    json_string(parts[i].text));
			n += snprintf(text + n, (size_t)(WHY - n), "%s%s", parts[i].lead,
				      parts[i].text);
		}
	return text;
}

static void log_migration(const struct nse_config *config, const json_t *report,
			  const struct nse_error *err)
{
	const json_t *phases = json_object_get(report, "phases_us");
	const json_t *records = json_object_get(report, "records");
	const char *domain = text(report, "domain"), *target = text(report, "target");
	const char *result = text(report, "result");
	char why[WHY];
	json_t *fields;

	fields = json_pack("{s:s, s:s, s:s, s:s}", "role", "source", "domain", domain,
			   "target", target, "result", result);
	add_why(fields, err, why);
	if (strcmp(result, "migrated") == 0) {
		json_object_set(fields, "hold_us", json_object_get(report, "hold_us"));
		json_object_set(fields, "frozen_us", json_object_get(phases, "frozen"));
		json_object_set(fields, "commit_us", json_object_get(phases, "commit"));
		json_object_set(fields, "carried", json_object_get(records, "carried"));
		json_object_set(fields, "verified", json_object_get(report, "verified"));
		cmd_log(config, ID_MIGRATION, err->code ? LOG_WARNING : LOG_INFO, fields,
			"%s migrated to %s with %lld records%s", domain, target,
			(long long)number(records, "carried"), why);
	} else {
		bool unclear = strcmp(result, "unclear") == 0;

		cmd_log(config, ID_MIGRATION, unclear ? LOG_CRIT : LOG_ERR, fields,
			unclear ? "%s: look at both hosts, its move to %s is unclear%s"
				: "%s was not migrated to %s%s",
			domain, target, why);
	}
	json_decref(fields);
}

void cmd_event_migrated(const struct nse_config *config, const json_t *report,
			const struct nse_error *err)
{
	if (!report || json_is_true(json_object_get(report, "dry_run")))
		return;
	log_migration(config, report, err);
	measure_migration(config, report);
}

void cmd_event_session(const struct nse_config *config, const struct nse_target_end *end,
		       const struct nse_error *err)
{
	static const char *const results[] = { "arrived", "undone", "unclear", NULL };
	static const int priorities[] = { LOG_INFO, LOG_WARNING, LOG_CRIT };
	const char *result = results[end->result];
	struct cmd_metrics *m;
	char what[80], why[WHY];
	json_t *fields;

	fields = json_pack("{s:s, s:s, s:s, s:s, s:I}", "role", "target", "domain",
			   end->domain, "session", end->session, "result", result,
			   "created", (json_int_t)end->created);
	add_why(fields, err, why);
	if (end->result == NSE_TARGET_ARRIVED)
		snprintf(what, sizeof(what), "arrived with %llu records",
			 (unsigned long long)end->created);
	else
		snprintf(what, sizeof(what), "%s",
			 end->result == NSE_TARGET_UNDONE
				 ? "not arrived, and nothing is left of its records"
				 : "perhaps arrived: look at both hosts");
	cmd_log(config, ID_SESSION, priorities[end->result], fields, "%s has %s%s",
		end->domain, what, why);
	json_decref(fields);
	m = open_metrics(config);
	count(m, "nsemig_sessions_total", results, result);
	close_metrics(m);
}

static void measure_domain(struct cmd_metrics *m, const json_t *one, double at)
{
	static const char *const results[] = { "stored", "failed", NULL };
	const char *domain = text(one, "domain"), *result = text(one, "result");

	count(m, "nsemig_snapshots_total", results, result);
	if (strcmp(result, "stored"))
		return;
	cmd_metrics_set(m, "nsemig_snapshot_last_success_timestamp_seconds", "domain",
			domain, at);
	cmd_metrics_set(m, "nsemig_snapshot_bytes", "domain", domain,
			(double)number(one, "bytes"));
	cmd_metrics_set(m, "nsemig_snapshot_records", "domain", domain,
			(double)number(one, "records"));
	cmd_metrics_set(m, "nsemig_snapshot_duration_seconds", "domain", domain,
			(double)number(one, "us") / 1e6);
}

void cmd_event_snapshots(const struct nse_config *config, const json_t *summary)
{
	const json_t *domains = json_object_get(summary, "domains"), *one;
	long long stored = number(summary, "stored"), failed = number(summary, "failed");
	json_t *fields, *names = json_array();
	struct cmd_metrics *m = open_metrics(config);
	double at = now();
	size_t i;

	json_array_foreach((json_t *)domains, i, one)
	{
		measure_domain(m, one, at);
		if (strcmp(text(one, "result"), "gone") &&
		    strcmp(text(one, "result"), "skipped"))
			json_array_append(names, json_object_get(one, "domain"));
	}
	/* Who has left is not missed for ever. */
	cmd_metrics_retain(m, "domain", names);
	cmd_metrics_set(m, "nsemig_snapshot_run_timestamp_seconds", NULL, NULL, at);
	cmd_metrics_set(m, "nsemig_snapshot_run_failed", NULL, NULL, (double)failed);
	close_metrics(m);
	json_decref(names);
	fields = json_pack("{s:s, s:s, s:I, s:I, s:O}", "result",
			   failed ? "failed" : "stored", "directory",
			   text(summary, "directory"), "stored", (json_int_t)stored,
			   "failed", (json_int_t)failed, "removed",
			   json_object_get(summary, "removed"));
	cmd_log(config, ID_SNAPSHOTS, failed ? LOG_ERR : LOG_INFO, fields,
		"%lld domain%s stored in %s, %lld failed", stored, stored == 1 ? "" : "s",
		text(summary, "directory"), failed);
	json_decref(fields);
}

void cmd_event_recovered(const struct nse_config *config, const struct nse_recovery *r)
{
	json_t *fields = json_object();
	unsigned int done = 0, left = r->n[NSE_RECOVERED_PENDING];
	struct cmd_metrics *m;

	for (int i = 0; i < NSE_RECOVERED_KINDS; i++) {
		json_object_set_new(fields, nse_recovered_name((enum nse_recovered_how)i),
				    json_integer(r->n[i]));
		if (i != NSE_RECOVERED_PENDING && i != NSE_RECOVERED_ALIVE &&
		    i != NSE_RECOVERED_FAILED)
			done += r->n[i];
	}
	left += r->n[NSE_RECOVERED_FAILED];
	if (done || left) {
		cmd_log(config, ID_RECOVERED, left ? LOG_WARNING : LOG_INFO, fields,
			"recovered %u session%s of killed processes, %u left", done,
			done == 1 ? "" : "s", left);
		m = open_metrics(config);
		for (int i = 0; i < NSE_RECOVERED_KINDS; i++)
			cmd_metrics_add(m, "nsemig_recovered_total", "outcome",
					nse_recovered_name((enum nse_recovered_how)i),
					r->n[i]);
		close_metrics(m);
	}
	json_decref(fields);
}
