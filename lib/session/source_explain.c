/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a migration that failed says: what failed and in which phase, where, why;
 * where the domain is now, and what to do. The cause is set by whoever met it;
 * here the rest is put around it.
 */
#include "lib/session/source_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "lib/util/clock.h"

#define ENDING_US 500000 /* the server's last word comes at once, or never */

static void append(char *text, size_t room, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void append(char *text, size_t room, const char *fmt, ...)
{
	size_t n = strlen(text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text + n, room - n, fmt, ap);
	va_end(ap);
}

void nse_source_keep_ending(struct nse_source_session *s)
{
	if (s->linked && s->ch.lost && !s->ending[0])
		nse_link_ending(&s->link, nse_now_us() + ENDING_US, s->ending);
}

static bool is_loss(const struct nse_error *err)
{
	return err->code == -EPIPE || err->code == -ECONNRESET;
}

void nse_source_name_loss(struct nse_source_session *s, struct nse_error *err)
{
	nse_source_keep_ending(s);
	if (!s->ending[0] || !is_loss(err))
		return;
	s->where = NSE_AT_LINK;
	nse_error(err, err->code, "the link to %s ended: %s", s->spec->target, s->ending);
}

static void local_host(struct utsname *un)
{
	if (uname(un) < 0 || !un->nodename[0])
		snprintf(un->nodename, sizeof(un->nodename), "this host");
}

static const char *verdict(const struct nse_source_session *s,
			   enum nse_source_result result)
{
	if (s->spec->dry_run)
		return "would not be moved";
	if (result == NSE_MIGRATED)
		return "was moved, with something left to do,";
	if (s->steps.crossed || s->missing)
		return "was perhaps moved";
	return result == NSE_ABORTED
		       ? "was not moved"
		       : "was not moved, but may have left something behind,";
}

/* "vm1 was not moved from here to there, phase move (starting …):\nat there: …" */
static void put_context(const struct nse_source_session *s, enum nse_source_result result,
			struct nse_error *err)
{
	const char *there = s->spec->target;
	char cause[NSE_ERROR_MAX];
	struct utsname un;

	local_host(&un);
	snprintf(cause, sizeof(cause), "%s", err->text);
	err->text[0] = '\0';
	append(err->text, sizeof(err->text), "%s %s from %s to %s, phase %s (%s):\n",
	       s->spec->scope->domain.name, verdict(s, result), un.nodename, there,
	       s->steps.failed_at ?: NSE_STEPS_UNDO, nse_steps_failed_what(&s->steps));
	if (s->where == NSE_AT_TARGET)
		append(err->text, sizeof(err->text), "at %s: ", there);
	append(err->text, sizeof(err->text), "%s", cause);
}

/* Where the domain is, and what is left of the attempt. */
static void put_state(const struct nse_source_session *s, enum nse_source_result result,
		      struct nse_error *err)
{
	const char *name = s->spec->scope->domain.name, *there = s->spec->target;
	struct utsname un;

	local_host(&un);
	err->state[0] = '\0';
	if (result == NSE_MIGRATED && !s->spec->dry_run) {
		append(err->state, sizeof(err->state),
		       "%s runs at %s, with its context; what it had here (%s) is left here.",
		       name, there, un.nodename);
		return;
	}
	if (s->steps.crossed) {
		append(err->state, sizeof(err->state),
		       "%s is seen running on neither host; its context is on both.",
		       name);
		return;
	}
	append(err->state, sizeof(err->state),
	       s->missing ? "%s is not seen running here (%s)"
			  : "%s runs here (%s), as before",
	       name, un.nodename);
	if (!s->was_there)
		append(err->state, sizeof(err->state), "; nothing was changed at %s",
		       there);
	else if (!s->there)
		append(err->state, sizeof(err->state),
		       "; %s confirms that nothing of it is left there", there);
	else
		append(err->state, sizeof(err->state),
		       "; %s does not confirm that nothing of its context is left there (%s)",
		       there, s->unconfirmed[0] ? s->unconfirmed : "it was not asked");
	if (s->steps.undo.code)
		append(err->state, sizeof(err->state),
		       "; but not all was taken back here: %s", s->steps.undo.text);
	append(err->state, sizeof(err->state), ".");
}

/* Unless whoever met the cause knew better. */
static void put_first_advice(const struct nse_source_session *s, struct nse_error *err)
{
	const char *host = s->spec->link.target.host;

	if (err->code == -EINTR)
		return;
	if (err->code == -ETIMEDOUT)
		nse_advise(err,
			   "is %s or the network overloaded? A longer --timeout (now %d) "
			   "has more patience",
			   host, s->spec->timeout_s);
	else if (err->code == -EHOSTDOWN)
		nse_advise(err, "is %s up, and do packets get through? Try `ping %s`",
			   host, host);
	else if (s->where == NSE_AT_LINK)
		nse_advise(err,
			   "see on %s why: `journalctl -n 50` (killed, out of memory, "
			   "restarted?)",
			   host);
	else if (err->code == -ENOSPC)
		nse_advise(err, "make room for it: `df -h` shows where none is left");
	else if (err->code == -ECHILD)
		nse_advise(err, "what the platform's own program printed stands above%s",
			   strcmp(s->spec->platform->ops->name, "xen") == 0
				   ? "; more is in /var/log/xen on both hosts"
				   : "");
}

/* "vm1: run `nsemig recover` …", then how to go on. */
static void put_advice(const struct nse_source_session *s, enum nse_source_result result,
		       struct nse_error *err)
{
	const char *name = s->spec->scope->domain.name, *there = s->spec->target;

	if (s->missing || (result == NSE_UNCLEAR && s->steps.crossed)) {
		err->advice[0] = '\0';
		nse_advise(
			err,
			"look for %s on both hosts (`xl list`, or your platform's "
			"program), and let it run on one of them only;\n"
			"then run `nsemig recover` on both: it keeps the context where %s "
			"runs, and removes it elsewhere",
			name, name);
		return;
	}
	if (result == NSE_MIGRATED && !s->spec->dry_run) {
		nse_advise(err, "run `nsemig recover` here, which tries again");
		return;
	}
	put_first_advice(s, err);
	if (err->advice[0])
		append(err->advice, sizeof(err->advice), ";\n");
	if (s->there)
		append(err->advice, sizeof(err->advice),
		       "run `nsemig recover` at %s, which removes what is left;\n",
		       there);
	append(err->advice, sizeof(err->advice), "%stry again: `nsemig %s %s %s`",
	       err->advice[0] ? "then " : "", err->code == -EINTR ? "migrate" : "check",
	       name, there);
	if (err->code != -EINTR && !s->spec->dry_run)
		append(err->advice, sizeof(err->advice), ", and `nsemig migrate %s %s`",
		       name, there);
}

void nse_source_explain(struct nse_source_session *s, enum nse_source_result result,
			struct nse_error *err)
{
	if (!err->code)
		return;
	nse_source_name_loss(s, err);
	if (err->code == -EHOSTDOWN)
		s->where = NSE_AT_LINK;
	if (s->spec->bare)
		return;
	put_context(s, result, err);
	put_state(s, result, err);
	put_advice(s, result, err);
}
