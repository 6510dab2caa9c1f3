/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading the few words of xl's migration handshake, each compared byte by
 * byte as xl itself does.
 */
#include "lib/platform/xl_wire.h"

#include <errno.h>
#include <string.h>

static const struct {
	const char *name;
	const char *text;
	size_t fixed; /* bytes that are compared */
	size_t total; /* with those that are not */
} words[] = {
	[NSE_XL_W_BANNER] = { "the banner", NSE_XL_BANNER, sizeof(NSE_XL_BANNER) - 1,
			      sizeof(NSE_XL_BANNER) - 1 },
	[NSE_XL_W_READY] = { "READY", NSE_XL_READY, sizeof(NSE_XL_READY),
			     sizeof(NSE_XL_READY) },
	[NSE_XL_W_REPORT] = { "the report", NSE_XL_REPORT, sizeof(NSE_XL_REPORT),
			      sizeof(NSE_XL_REPORT) + 1 },
	[NSE_XL_W_RETURN] = { "the permission to resume", NSE_XL_GO, sizeof(NSE_XL_GO),
			      sizeof(NSE_XL_GO) },
	[NSE_XL_W_NONE] = { "nothing", "", 0, 0 },
};

const char *nse_xl_word_name(enum nse_xl_word word)
{
	return words[word].name;
}

void nse_xl_wire_init(struct nse_xl_wire *w)
{
	memset(w, 0, sizeof(*w));
	w->expect = NSE_XL_W_BANNER;
	w->status = -1;
}

size_t nse_xl_wire_want(const struct nse_xl_wire *w)
{
	return words[w->expect].total - w->have;
}

/* The beginning of what came instead, made printable. */
static int unexpected(struct nse_xl_wire *w, struct nse_error *err)
{
	char shown[NSE_XL_WORD_MAX + 1];
	size_t i;

	for (i = 0; i < w->have; i++)
		shown[i] = w->buf[i] >= ' ' && w->buf[i] <= '~' ? (char)w->buf[i] : '.';
	shown[i] = '\0';
	return nse_error(err, -EPROTO,
			 "the target's xl sent '%s' where %s of the migration protocol "
			 "was expected (does a login script print something there?)",
			 shown, nse_xl_word_name(w->expect));
}

int nse_xl_wire_feed(struct nse_xl_wire *w, const void *p, size_t n,
		     struct nse_error *err)
{
	size_t fixed = words[w->expect].fixed;

	if (n > nse_xl_wire_want(w))
		return nse_error(err, -EPROTO, "the target's xl sent too much");
	memcpy(w->buf + w->have, p, n);
	w->have += n;
	if (memcmp(w->buf, words[w->expect].text, w->have < fixed ? w->have : fixed) != 0)
		return unexpected(w, err);
	if (nse_xl_wire_want(w) > 0)
		return 0;
	if (w->expect == NSE_XL_W_REPORT)
		w->status = w->buf[w->have - 1];
	return 1;
}

void nse_xl_wire_next(struct nse_xl_wire *w)
{
	static const enum nse_xl_word next[] = {
		[NSE_XL_W_BANNER] = NSE_XL_W_READY,  [NSE_XL_W_READY] = NSE_XL_W_REPORT,
		[NSE_XL_W_REPORT] = NSE_XL_W_RETURN, [NSE_XL_W_RETURN] = NSE_XL_W_NONE,
		[NSE_XL_W_NONE] = NSE_XL_W_NONE,
	};

	w->expect = next[w->expect];
	if (w->expect == NSE_XL_W_RETURN && w->status == 0)
		w->expect = NSE_XL_W_NONE;
	w->have = 0;
}
