/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Options: one table per group gives the parsing, the text of -h and the
 * words of the completion.
 *
 *	struct send_options { bool apply; const char *store; };
 *
 *	static const struct nse_opt send_opts[] = {
 *		NSE_OPT_FLAG('\0', "apply", struct send_options, apply, "install there"),
 *		NSE_OPT_STRING('\0', "store", "DIR", struct send_options, store, "…"),
 *		NSE_OPT_END
 *	};
 *	static const struct nse_usage usage = {
 *		.name = "send", .synopsis = send_synopsis, .operands = "scope-or-file
 *host", .min = 1, .max = 2,
 *	};
 *
 *	struct nse_opt_group groups[] = { { NULL, send_opts, &o },
 *					  CMD_SCOPE_GROUP(&scope), { 0 } };
 *	struct nse_args args;
 *	int status = nse_opts_parse(&usage, groups, argc, argv, &args);
 *
 *	if (status >= 0)
 *		return status;
 *
 * Long options are taken as --NAME VALUE and --NAME=VALUE, short ones as
 * -nVALUE and -n VALUE and in bundles; abbreviations of long names are not
 * taken, since a new option would break the scripts that use them. Options
 * and operands may be mixed; -- ends the options.
 */
#ifndef NSE_CMD_OPTIONS_H
#define NSE_CMD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/util/error.h"
#include "lib/util/nearest.h"

enum nse_opt_kind {
	NSE_OPT_K_END,
	NSE_OPT_K_FLAG,	  /* bool: set; --no-NAME clears it when NSE_OPT_NEGATABLE */
	NSE_OPT_K_COUNT,  /* int: one more each time */
	NSE_OPT_K_STRING, /* const char *: the last one counts */
	NSE_OPT_K_LIST,	  /* struct nse_opt_list: each one is kept */
	NSE_OPT_K_INT,	  /* int64_t within min … max */
	NSE_OPT_K_CHOICE, /* int: the index in the table `choices` */
	NSE_OPT_K_CALL,	  /* call(base, value): value is NULL without an argument */
};

/* Words of K_LIST in the order of the command line. */
struct nse_opt_list {
	const char *items[64];
	size_t n;
};

#define NSE_OPT_NEGATABLE 0x1
#define NSE_OPT_HIDDEN	  0x2 /* neither in -h nor in completions */

/* 0, or -EINVAL with a text (the option's name is put in front of it). */
typedef int nse_opt_call(void *base, const char *value, struct nse_error *err);

struct nse_opt {
	char letter;	  /* or '\0' */
	const char *name; /* without the dashes */
	const char *arg;  /* what -h calls the value, NULL: there is none */
	const char *help;
	enum nse_opt_kind kind;
	unsigned int flags;
	size_t offset;		    /* of the member, from the group's base */
	int64_t min, max;	    /* K_INT */
	const char *const *choices; /* K_CHOICE, NULL-terminated */
	nse_opt_call *call;	    /* K_CALL */
	const char *complete;	    /* "file", "dir", "domain", "vif", "engine" or NULL */
};

#define NSE_OPT_END                                                                      \
	{                                                                                \
		.kind = NSE_OPT_K_END                                                    \
	}

#define NSE_OPT_FLAG(l, n, type, member, text)                                           \
	{                                                                                \
		.letter = (l), .name = (n), .kind = NSE_OPT_K_FLAG,                      \
		.offset = offsetof(type, member), .help = (text)                         \
	}
#define NSE_OPT_STRING(l, n, a, type, member, text)                                      \
	{                                                                                \
		.letter = (l), .name = (n), .arg = (a), .kind = NSE_OPT_K_STRING,        \
		.offset = offsetof(type, member), .help = (text)                         \
	}
#define NSE_OPT_FILE(l, n, type, member, text)                                           \
	{                                                                                \
		.letter = (l), .name = (n), .arg = "FILE", .kind = NSE_OPT_K_STRING,     \
		.offset = offsetof(type, member), .help = (text), .complete = "file"     \
	}
#define NSE_OPT_LIST(l, n, a, type, member, text)                                        \
	{                                                                                \
		.letter = (l), .name = (n), .arg = (a), .kind = NSE_OPT_K_LIST,          \
		.offset = offsetof(type, member), .help = (text)                         \
	}
#define NSE_OPT_INT(l, n, a, type, member, lo, hi, text)                                 \
	{                                                                                \
		.letter = (l), .name = (n), .arg = (a), .kind = NSE_OPT_K_INT,           \
		.offset = offsetof(type, member), .min = (lo), .max = (hi),              \
		.help = (text)                                                           \
	}
#define NSE_OPT_CHOICE(l, n, a, type, member, words, text)                               \
	{                                                                                \
		.letter = (l), .name = (n), .arg = (a), .kind = NSE_OPT_K_CHOICE,        \
		.offset = offsetof(type, member), .choices = (words), .help = (text)     \
	}
#define NSE_OPT_CALL(l, n, a, fn, text)                                                  \
	{                                                                                \
		.letter = (l), .name = (n), .arg = (a), .kind = NSE_OPT_K_CALL,          \
		.call = (fn), .help = (text)                                             \
	}

/* A table with the struct that its offsets count from. */
struct nse_opt_group {
	const char *title; /* heading in -h; NULL: "Options" */
	const struct nse_opt *opts;
	void *base;
};

struct nse_usage {
	const char *name; /* of the command */
	const char *const
		*synopsis; /* what stands behind "nsemig NAME "; NULL-terminated */
	const char *notes; /* text at the end of -h, or NULL */
	/*
	 * For completion, one word for each operand, the last one also for all
	 * that follow: scope, file, scope-or-file, file-or-live, any-context, host,
	 * command, none.
	 */
	const char *operands;
	int min, max; /* number of operands; max -1: any */
	bool rest;    /* words behind -- are not operands but args.rest */
};

enum cmd_color { CMD_COLOR_AUTO, CMD_COLOR_ALWAYS, CMD_COLOR_NEVER };

struct cmd_pager;

/* What every command takes: -v, -q, --color, --no-pager. */
struct cmd_common {
	int verbose;
	bool quiet, no_pager;
	int color;		 /* enum cmd_color */
	struct cmd_pager *pager; /* while one runs, see cmd/pager.h */
};

struct nse_args {
	struct cmd_common common;
	int n;	      /* operands */
	char **words; /* into argv (which is reordered), NULL-terminated */
	int nrest;
	char **rest; /* words behind --, NULL-terminated; only with usage.rest */
};

/*
 * Parses argv[1 …]. Returns -1 when the command shall go on; else what it
 * shall return at once: CMD_DONE after -h, --help or --list-options (which
 * completions call), CMD_USAGE after an error, which has been printed.
 * groups ends with an entry without opts.
 */
int nse_opts_parse(const struct nse_usage *usage, const struct nse_opt_group *groups,
		   int argc, char **argv, struct nse_args *args);

#endif
