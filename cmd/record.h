/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Records as text for people, made of their JSON form: the commands know no
 * engine, only the names of nsemig-json(5).
 */
#ifndef NSE_CMD_RECORD_H
#define NSE_CMD_RECORD_H

#include <stddef.h>

#include <jansson.h>

#define CMD_TEXT 1024 /* room for the texts below; longer ones are cut */

/* A member of the key, else of the body, else of the state; NULL: none. */
const json_t *cmd_field(const json_t *rec, const char *name);

/* A scalar or a list as text ("a,b"; "[a b],[c]"), "" for NULL. */
const char *cmd_value(const json_t *value, char out[CMD_TEXT]);

/* "192.0.2.1:80", "[2001:db8::1]:80" or "192.0.2.1" of a tuple's two fields. */
const char *cmd_endpoint(const json_t *tuple, const char *addr, const char *port,
			 char out[CMD_TEXT]);

/* "conntrack entry tcp 192.0.2.1:80 -> 10.0.0.1:4711 zone=5" */
const char *cmd_record_name(const json_t *rec, char out[CMD_TEXT]);

/*
 * Calls each() with the dotted name and the text of every scalar in the
 * object, deep ones too, in the order of their names.
 */
void cmd_each_field(const json_t *object, const char *prefix,
		    void (*each)(void *arg, const char *name, const char *value),
		    void *arg);

#endif
