/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How findings look on a terminal.
 */
#include "cmd/problems.h"

#include "cmd/cmd.h"

static void say_one(const struct cmd_common *common, const struct nse_problem *p)
{
	static const enum cmd_style styles[] = { CMD_DIM, CMD_YELLOW, CMD_RED };
	bool color = cmd_color_on(common, stderr);
	char where[512], text[4096], mend[1024];

	fprintf(stderr, "%s%s%s: %s: %s%s%s\n", cmd_style(color, styles[p->severity]),
		nse_severity_name(p->severity), color ? cmd_style(color, CMD_PLAIN) : "",
		p->area, cmd_safe(p->where, where, sizeof(where)),
		p->where[0] ? ": " : "", cmd_safe(p->text, text, sizeof(text)));
	if (p->mend[0])
		fprintf(stderr, "      mend: %s\n",
			cmd_safe(p->mend, mend, sizeof(mend)));
}

void cmd_problems_say(const struct cmd_common *common, const struct nse_problems *p,
		      enum nse_severity least)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->items[i].severity >= least)
			say_one(common, &p->items[i]);
	if (p->dropped)
		fprintf(stderr, "… and %zu more\n", p->dropped);
}

int cmd_problems_status(const struct nse_problems *p)
{
	static const int status[] = { CMD_DONE, CMD_DIFFERS, CMD_FAILED };

	return status[nse_problems_worst(p)];
}
