/* SPDX-License-Identifier: Apache-2.0 */
/* A profile as a file, in one of the many spellings that interface.md allows. */
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/verdict_make.h"

static const char *const words[] = { "a", "Emotet", "emotet", "two words", "c ; d", "\"q\\", "h\xc3\xa9" };
static const char *const flows[] = { "permit", "block", "rate-limit", "trust", "quarantine" };
static const char *const marks[] = { "=", "!=", "<", "<=", ">", ">=" };
static const char *const kinds[] = { "ipv4", "ipv6", "domain", "url", "sha1", "sha256" };
static const char *const keywords[] = { "and", "in", "is", "missing", "not", "or", "present" };

struct writer {
	FILE *out;
	struct random_state *random;
};

static const char *
either(struct writer *writer, const char *a, const char *b)
{
	return random_chance(writer->random, 50) ? a : b;
}

/* --- values ----------------------------------------------------------------------------- */

static void
date_text(int64_t seconds, char *text)
{
	time_t when = (time_t)seconds;
	struct tm parts;

	gmtime_r(&when, &parts);
	strftime(text, VERDICT_VALUE_BYTES, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

void
verdict_text_value(unsigned number, int64_t value, char text[VERDICT_VALUE_BYTES])
{
	const struct verdict_category *category = &verdict_categories[number];

	if (category->type == VERDICT_DATE)
		date_text(value, text);
	else if (category->type == VERDICT_NUMBER)
		snprintf(text, VERDICT_VALUE_BYTES, "%" PRId64, value);
	else if (category->type == VERDICT_YESNO)
		snprintf(text, VERDICT_VALUE_BYTES, "%s", value ? "yes" : "no");
	else
		snprintf(text, VERDICT_VALUE_BYTES, "%s", category->type == VERDICT_LIST
			 ? category->values[value] : words[value]);
}

static void
case_mix(struct writer *writer, char *text)
{
	if (random_chance(writer->random, 60))
		return;
	for (; *text; text++)
		if (random_chance(writer->random, 50))
			*text = (char)(islower((unsigned char)*text) ? toupper((unsigned char)*text)
								     : tolower((unsigned char)*text));
}

static bool
needs_quotes(const char *text)
{
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (strcasecmp(text, keywords[i]) == 0)
			return true;
	return text[0] == '\0' || text[0] == ';' || strpbrk(text, " ()=!<>,\"\\") != NULL;
}

static void
quoted(struct writer *writer, const char *text)
{
	if (!needs_quotes(text) && random_chance(writer->random, 50)) {
		fputs(text, writer->out);
		return;
	}
	fputc('"', writer->out);
	for (; *text; text++)
		fprintf(writer->out, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
	fputc('"', writer->out);
}

static void
value_write(struct writer *writer, const struct verdict_condition *condition, unsigned i)
{
	static const char *const yes[] = { "yes", "y", "true", "t", "1" };
	static const char *const no[] = { "no", "n", "false", "f", "0" };
	const struct verdict_category *category = &verdict_categories[condition->category];
	char text[VERDICT_VALUE_BYTES];

	verdict_text_value(condition->category, condition->value.value[i], text);
	if (category->type == VERDICT_YESNO)
		snprintf(text, sizeof(text), "%s", (condition->value.value[i] ? yes : no)
			 [random_below(writer->random, 5)]);
	if (category->type == VERDICT_LIST || category->type == VERDICT_YESNO)
		case_mix(writer, text);
	if (category->type == VERDICT_DATE && condition->value.value[i] % 86400 == 0 &&
	    random_chance(writer->random, 50))
		text[10] = '\0';
	quoted(writer, text);
}

/* --- conditions --------------------------------------------------------------------------- */

static void
comparison_write(struct writer *writer, const struct verdict_condition *condition)
{
	char name[VERDICT_VALUE_BYTES];

	snprintf(name, sizeof(name), "%s", verdict_categories[condition->category].name);
	case_mix(writer, name);
	quoted(writer, name);
	if (condition->op == VERDICT_MISSING || condition->op == VERDICT_PRESENT) {
		fprintf(writer->out, " is %s", condition->op == VERDICT_MISSING ? "missing"
										: "PRESENT");
		return;
	}
	if (condition->op != VERDICT_IN) {
		fprintf(writer->out, " %s ", marks[condition->op]);
		value_write(writer, condition, 0);
		return;
	}
	fputs(" in (", writer->out);
	for (unsigned i = 0; i < condition->value.count; i++) {
		if (i > 0)
			fputs(either(writer, ", ", ","), writer->out);
		value_write(writer, condition, i);
	}
	fputc(')', writer->out);
}

static unsigned
binds(enum verdict_op op)
{
	return op == VERDICT_OR ? 1 : op == VERDICT_AND ? 2 : op == VERDICT_NOT ? 3 : 4;
}

/* `least`: what binds weaker stands in parentheses. */
static void
condition_write(struct writer *writer, const struct verdict_condition *all, size_t at,
		unsigned least)
{
	const struct verdict_condition *condition = &all[at];
	unsigned own = binds(condition->op);
	bool open = own < least || random_chance(writer->random, 10);

	if (open)
		fputc('(', writer->out);
	if (condition->op < VERDICT_NOT) {
		comparison_write(writer, condition);
	} else if (condition->op == VERDICT_NOT) {
		fputs(either(writer, "not ", "NOT "), writer->out);
		condition_write(writer, all, condition->left, own);
	} else {
		condition_write(writer, all, condition->left, own);
		fputs(condition->op == VERDICT_AND ? either(writer, " and ", " AND ")
						   : either(writer, " or ", " Or "), writer->out);
		condition_write(writer, all, condition->right, own);
	}
	if (open)
		fputc(')', writer->out);
}

/* --- sections -------------------------------------------------------------------------------- */

/* A field; values that are the default may be left out. */
static void __attribute__((format(printf, 4, 5)))
field(struct writer *writer, const char *name, bool is_default, const char *format, ...)
{
	va_list arguments;

	if (is_default && random_chance(writer->random, 60))
		return;
	fprintf(writer->out, "%s%s", name, either(writer, " = ", "="));
	va_start(arguments, format);
	vfprintf(writer->out, format, arguments);
	va_end(arguments);
	fputs(random_chance(writer->random, 5) ? " ; a comment = \"no\"\n" : "\n", writer->out);
}

static const char *
yes_no(bool value)
{
	return value ? "yes" : "no";
}

static void
action_write(struct writer *writer, const struct verdict_action *action, uint32_t number)
{
	fprintf(writer->out, "[action \"Action %" PRIu32 "\"]\n", number);
	field(writer, "flow", false, "%s", flows[action->flow]);
	field(writer, "notify", !action->notify, "%s", yes_no(action->notify));
	field(writer, "trace", !action->trace, "%s", yes_no(action->trace));
	if (action->flow == VERDICT_RATE_LIMIT)
		field(writer, "rate-kbps", false, "%u", 1000 + number);
}

static void
filter_write(struct writer *writer, const struct verdict_profile *profile, uint32_t number)
{
	const struct verdict_filter *filter = &profile->filter[number];
	bool comma = random_chance(writer->random, 30), first = true;

	fprintf(writer->out, "[filter \"filter %" PRIu32 "\"]\n", number);
	field(writer, "action", false, "%s %" PRIu32, either(writer, "Action", "ACTION"),
	      filter->action);
	if (filter->kinds != (1u << MODEL_KINDS) - 1 || random_chance(writer->random, 50)) {
		fputs("kinds =", writer->out);
		for (unsigned kind = 0; kind < MODEL_KINDS; kind++) {
			if (!(filter->kinds >> kind & 1))
				continue;
			fprintf(writer->out, "%s%s", comma && !first ? ", " : " ", kinds[kind]);
			first = false;
		}
		fputc('\n', writer->out);
	}
	field(writer, "tagged", filter->tagged, "%s", yes_no(filter->tagged));
	field(writer, "untagged", !filter->untagged, "%s", yes_no(filter->untagged));
	field(writer, "enabled", filter->enabled, "%s", yes_no(filter->enabled));
	field(writer, "locked", !filter->locked, "%s", yes_no(filter->locked));
	if (filter->condition_count == 0)
		return;
	fputs("where = ", writer->out);
	condition_write(writer, filter->condition, filter->condition_count - 1, 0);
	fputc('\n', writer->out);
}

static void
ip_print(FILE *out, uint32_t address)
{
	fprintf(out, "%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255,
		address & 255);
}

static void
exception_write(struct writer *writer, const struct verdict_exception *exception, uint32_t number)
{
	const struct model_claim *claim = &exception->claim;
	char when[VERDICT_VALUE_BYTES];

	fprintf(writer->out, "[exception \"exception %" PRIu32 "\"]\n", number);
	fputs(claim->key.kind == MODEL_DOMAIN ? "domain = " : claim->key.kind == MODEL_URL
	      ? "url = " : "ip = ", writer->out);
	if (exception->range) {
		ip_print(writer->out, exception->first);
		fputs("-", writer->out);
		ip_print(writer->out, exception->last);
	} else {
		fprintf(writer->out, "%s%.*s%s", claim->scope == MODEL_BELOW ? "*." : "",
			(int)claim->key.length, claim->key.text,
			claim->scope == MODEL_TREE ? "\\*" : "");
	}
	fputs("\nreason = because ; it is so\n", writer->out);
	if (exception->expires != 0) {
		date_text((int64_t)exception->expires, when);
		field(writer, "expires", false, "%s", when);
	}
}

/* Sections in any order, but filters among themselves. */
char *
verdict_text_profile(struct random_state *random, const struct verdict_profile *profile)
{
	char *text = NULL;
	size_t length = 0;
	struct writer writer = { open_memstream(&text, &length), random };
	bool actions_first = random_chance(random, 50), exceptions_first = random_chance(random, 50);

	if (writer.out == NULL)
		abort();
	fputs("; written by a test\n[profile]\nname = random\n", writer.out);
	for (uint32_t i = 0; actions_first && i < profile->action_count; i++)
		action_write(&writer, &profile->action[i], i);
	for (uint32_t i = 0; exceptions_first && i < profile->exception_count; i++)
		exception_write(&writer, &profile->exception[i], i);
	for (uint32_t i = 0; i < profile->filter_count; i++)
		filter_write(&writer, profile, i);
	for (uint32_t i = 0; !actions_first && i < profile->action_count; i++)
		action_write(&writer, &profile->action[i], i);
	for (uint32_t i = 0; !exceptions_first && i < profile->exception_count; i++)
		exception_write(&writer, &profile->exception[i], i);
	fclose(writer.out);
	return text;
}
