/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The configuration: /etc/nsemig/nsemig.conf and then /etc/nsemig/conf.d/?*.conf
 * in the order of their names, or $NSEMIG_CONFIG alone, all of them inih files.
 * nsemig.conf(5) documents the keys; whatever is not in the table of keys is an
 * error with its file and line number.
 */
#ifndef NSE_UTIL_CONFIG_H
#define NSE_UTIL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/util/domain.h"
#include "lib/util/error.h"

#define NSE_CONFIG_DIR_DEFAULT "/etc/nsemig"
#define NSE_STATE_DIR_DEFAULT  "/run/nsemig"

/* Patterns of tables and chains (selector.h). */
struct nse_patterns {
	char **tables; /* owned */
	size_t ntables;
	char **chains; /* owned */
	size_t nchains;
};

/* [domain NAME]: what the platform does not know of a domain. */
struct nse_domain_config {
	struct nse_domain domain; /* name, vifs and addresses that are added */
	uint16_t *zones;	  /* owned */
	size_t nzones;
	struct nse_patterns nft; /* beside those of [nft] */
};

enum nse_config_kind {
	NSE_CONFIG_TEXT,
	NSE_CONFIG_LIST,   /* words, as text separated by ", " */
	NSE_CONFIG_NUMBER, /* decimal, from min to max */
	NSE_CONFIG_BOOL,   /* yes or no */
	NSE_CONFIG_CHOICE, /* one of choices */
};

/* A row of the table of keys. */
struct nse_config_key {
	const char *section; /* "domain" stands for every [domain NAME] */
	const char *name;
	enum nse_config_kind kind;
	const char *fallback;	    /* what holds when it is not set, or NULL */
	long min, max;		    /* NUMBER */
	const char *const *choices; /* CHOICE, ends with NULL */
	/* Is the text as `form` says? NULL: any text that is not empty. */
	bool (*ok)(const char *text);
	const char *form;
};

/* All keys, section by section, ended by a row without a name. */
extern const struct nse_config_key nse_config_keys[];

/* What a file has set. */
struct nse_config_value {
	const struct nse_config_key *key;
	char *subject;	  /* NAME of [domain NAME] and [host NAME], else NULL; owned */
	char *text;	  /* owned */
	const char *file; /* one of nse_config's files */
	unsigned int line;
};

struct nse_config {
	char platform[512];	/* "" or xen or script:PROGRAM */
	char state_dir[512];	/* journals and locks */
	struct nse_addr *allow; /* [receive] allow = PREFIX …; none: any; owned */
	size_t nallow;
	struct nse_patterns nft;	   /* [nft] tables and chains */
	struct nse_patterns allow_nft;	   /* [receive] allow-nft */
	struct nse_domain_config *domains; /* owned */
	size_t ndomains;
	struct nse_config_value *values; /* all that are set, owned */
	size_t nvalues;
	char **files; /* that were read, owned */
	size_t nfiles;
};

/*
 * Reads the files. Those of /etc/nsemig may be missing, a missing
 * $NSEMIG_CONFIG is an error. What a later file sets replaces what an earlier
 * one has; within one file a key must not be set twice. -EINVAL with file, line
 * and key in the text; -EPERM for a file that everybody may write to.
 */
int nse_config_load(struct nse_config *c, struct nse_error *err);
void nse_config_release(struct nse_config *c);

/*
 * Reads one file for its errors alone, and calls tell() with the text of each.
 * Their number, or -errno with a text when the file cannot be read.
 */
int nse_config_check(const char *path, void (*tell)(void *arg, const char *text),
		     void *arg, struct nse_error *err);

/* The section of a domain, or NULL. */
const struct nse_domain_config *nse_config_domain(const struct nse_config *c,
						  const char *name);

/* The row of a key, or NULL. */
const struct nse_config_key *nse_config_key(const char *section, const char *name);

/* Does [SECTION] have a name behind it ([domain NAME])? */
bool nse_config_named(const char *section);

/* What was set; subject is NULL for a section without a name. NULL: not set. */
const struct nse_config_value *nse_config_find(const struct nse_config *c,
					       const char *section, const char *subject,
					       const char *name);

/* Its text, else what holds without it, else NULL. Lives as long as *c. */
const char *nse_config_get(const struct nse_config *c, const char *section,
			   const char *name);

/*
 * The text for one domain or host: of its own section ([domain NAME], [host
 * NAME]), else of the one that is for all ([migrate], [remote] …).
 */
const char *nse_config_of(const struct nse_config *c, const char *section,
			  const char *subject, const char *all, const char *name);

#endif
