/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Running a table of steps and taking it back.
 */
#include "lib/session/steps.h"

#include <errno.h>
#include <string.h>

#include "lib/util/clock.h"

void nse_steps_init(struct nse_steps *s, const struct nse_step *table, void *arg)
{
	memset(s, 0, sizeof(*s));
	s->table = table;
	s->arg = arg;
}

static bool is_last(const struct nse_steps *s)
{
	const char *next = s->table[s->done].name;

	return !next || (s->until && strcmp(next, s->until) == 0);
}

static void enter(struct nse_steps *s, const char *name)
{
	s->now = name;
	if (s->changed)
		s->changed(s->arg);
}

int nse_steps_next(struct nse_steps *s, struct nse_error *err)
{
	const struct nse_step *step = &s->table[s->done];
	int64_t start;
	int rc;

	if (!step->name)
		return 0;
	enter(s, step->name);
	start = nse_now_us();
	rc = step->run(s->arg, err);
	s->us[s->done++] = nse_now_us() - start;
	if (rc < 0) {
		s->failed_at = step->name;
		return rc;
	}
	/* What it tried in vain before it succeeded is no error. */
	if (err)
		*err = (struct nse_error){ 0 };
	if (step->line)
		s->crossed = true;
	return is_last(s) ? 0 : 1;
}

int nse_steps_undo(struct nse_steps *s, struct nse_error *err)
{
	int first = 0;

	if (s->done > 0)
		enter(s, NSE_STEPS_UNDO);
	while (s->done > 0) {
		const struct nse_step *step = &s->table[--s->done];
		struct nse_error own = { 0 };
		int rc = step->undo ? step->undo(s->arg, &own) : 0;

		if (rc < 0 && !first)
			first = nse_error(err, rc, "undoing '%s': %s", step->name,
					  own.text);
	}
	return first;
}

int nse_steps_run(struct nse_steps *s, struct nse_error *err)
{
	int rc;

	do {
		rc = nse_steps_next(s, err);
	} while (rc > 0);
	if (rc == 0 || s->crossed)
		return rc;
	nse_steps_undo(s, &s->undo);
	return rc;
}

const char *nse_steps_failed_what(const struct nse_steps *s)
{
	for (size_t i = 0; s->failed_at && s->table[i].name; i++)
		if (strcmp(s->table[i].name, s->failed_at) == 0)
			return s->table[i].what ?: "";
	return "";
}

json_t *nse_steps_times(const struct nse_steps *s)
{
	json_t *obj = json_object();

	for (size_t i = 0; i < NSE_STEPS_MAX && s->table[i].name; i++)
		if (s->us[i])
			json_object_set_new(obj, s->table[i].name,
					    json_integer(s->us[i]));
	return obj;
}
