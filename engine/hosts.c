/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/hosts.h"

bool
hosts_find(const struct hosts *hosts, uint32_t address, uint32_t *number, uint32_t *claims)
{
	if (hosts->buckets == 0)
		return false;
	uint64_t hash = path_host(hosts->seed, address);
	const struct hosts_line_d *line = hosts_home(hosts, hash);
	for (unsigned hop = 0; hop <= LIMIT_HOSTS_HOPS; hop++, line++) {
		for (unsigned i = 0; i < hosts_count(line); i++) {
			if (le32_get(line->address[i]) != address)
				continue;
			*number = (uint32_t)(line - hosts->lines) * HOSTS_NUMBERS + i;
			*claims = le32_get(line->claims[i]);
			return true;
		}
		if ((le32_get(line->state) & hosts_passed_bit(hash)) == 0)
			return false;
	}
	return false;
}

bool
hosts_get(const struct hosts *hosts, uint64_t number, uint32_t *address, uint32_t *claims)
{
	unsigned place = number % HOSTS_NUMBERS;
	if (number >= hosts->numbers)
		return false;
	const struct hosts_line_d *line = hosts->lines + number / HOSTS_NUMBERS;
	if (place >= hosts_count(line))
		return false;
	*address = le32_get(line->address[place]);
	*claims = le32_get(line->claims[place]);
	return true;
}
