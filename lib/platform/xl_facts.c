/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Putting facts together after a move by xl: never more is concluded than
 * was seen.
 */
#include "lib/platform/xl_facts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/platform/platform.h"
#include "lib/util/clock.h"

void nse_xl_facts_reason(struct nse_xl_facts *f, const char *fmt, ...)
{
	va_list ap;

	if (f->reason[0])
		return;
	va_start(ap, fmt);
	vsnprintf(f->reason, sizeof(f->reason), fmt, ap);
	va_end(ap);
}

/* A time that the gate names: never 0, never in the future. */
static int64_t sane_time(int64_t at)
{
	int64_t now = nse_now_us();

	return at > 0 && at < now ? at : now;
}

int nse_xl_facts_hear(struct nse_xl_facts *f, char *line, struct nse_error *err)
{
	int64_t at = 0;
	uint64_t bytes = 0;
	int status;

	if (sscanf(line, "bytes %" SCNu64, &bytes) == 1) {
		f->bytes = bytes;
	} else if (sscanf(line, "ready %" SCNd64 " %" SCNu64, &at, &bytes) >= 1) {
		f->ready_at = sane_time(at);
		f->bytes = bytes > f->bytes ? bytes : f->bytes;
	} else if (sscanf(line, "released %" SCNd64, &at) == 1) {
		f->released = true;
	} else if (sscanf(line, "report %d", &status) == 1) {
		f->report = status;
	} else if (strcmp(line, "returned") == 0) {
		f->returned = true;
	} else if (strcmp(line, "cleared") == 0) {
		f->cleared = true;
	} else if (strncmp(line, "failed ", 7) == 0) {
		f->failed = true;
		if (!f->aborted)
			nse_xl_facts_reason(f, "%s", line + 7);
	} else if (strncmp(line, "banner ", 7) != 0) {
		return nse_error(err, -EPROTO, "the gate said '%.40s'",
				 nse_line_printable(line));
	}
	return 0;
}

bool nse_xl_facts_settled(const struct nse_xl_facts *f)
{
	/*
	 * When xl is killed after READY was released, the gate still hears
	 * whether the target took the domain.
	 */
	return f->report == 0 || f->returned || (!f->released && !f->go);
}

/*
 * Is there no doubt that the domain is not at the target? READY was never
 * released, or the target gave the domain back.
 */
static bool not_there(const struct nse_xl_facts *f)
{
	if (f->report == 0)
		return false;
	if (f->released)
		return f->report > 0 && f->returned;
	return !f->go || f->failed;
}

static void reason_of_status(struct nse_xl_facts *f)
{
	const char *name = f->xl_status > 128 ? sigabbrev_np(f->xl_status - 128) : NULL;

	if (name)
		nse_xl_facts_reason(f, "xl was killed by SIG%s", name);
	else
		nse_xl_facts_reason(f, "xl ended with status %d", f->xl_status);
}

int nse_xl_facts_verdict(struct nse_xl_facts *f)
{
	if (f->report == 0 && f->go) {
		if (f->xl_status != 0)
			nse_xl_facts_reason(f,
					    "the domain runs at the target, and xl ended "
					    "with status %d: a suspended copy may be "
					    "left here",
					    f->xl_status);
		return 0;
	}
	if (!not_there(f) || f->xl_status == 0) {
		nse_xl_facts_reason(
			f,
			f->go ? "the target was let run the domain, and did not report"
			      : "xl ended with status %d though the target had not "
				"been let run the domain",
			f->xl_status);
		return NSE_MOVE_UNCLEAR;
	}
	if (f->released)
		nse_xl_facts_reason(f,
				    "the target could not start the domain (status %d)",
				    f->report);
	else if (!f->aborted)
		reason_of_status(f);
	return f->xl_status;
}
