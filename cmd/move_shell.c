/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The platform's own connection goes the way that ours was asked to go.
 */
#include "cmd/move_shell.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/util/cleanup.h"

static int add_word(struct nse_words *w, const char *word)
{
	return nse_words_add(w, word, strlen(word));
}

int cmd_move_shell(const struct cmd_remote *r, int port, bool batch, struct nse_words *w,
		   struct nse_error *err)
{
	NSE_FREE char *known = NULL;
	char text[16];
	int rc;

	if (r->rsh)
		return nse_words_split(w, r->rsh, err);
	rc = add_word(w, "ssh");
	if (rc == 0 && batch && (rc = add_word(w, "-o")) == 0)
		rc = add_word(w, "BatchMode=yes");
	snprintf(text, sizeof(text), "%d", port);
	if (rc == 0 && port && (rc = add_word(w, "-p")) == 0)
		rc = add_word(w, text);
	if (rc == 0 && r->identity && (rc = add_word(w, "-i")) == 0)
		rc = add_word(w, r->identity);
	if (rc == 0 && r->known_hosts && (rc = add_word(w, "-o")) == 0)
		rc = asprintf(&known, "UserKnownHostsFile=%s", r->known_hosts) < 0
			     ? -ENOMEM
			     : add_word(w, known);
	return rc < 0 ? nse_errno(err, rc, "the command line of ssh") : 0;
}
