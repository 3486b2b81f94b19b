#!/bin/bash
# At the first start: initdb and the wanted database. Then postgres, in the foreground.
set -Eeuo pipefail

# given NAME DEFAULT: the value of NAME, or what the file that NAME_FILE names holds
given() {
    local file="${1}_FILE"
    if [[ -n ${!file:-} ]]; then printf '%s' "$(<"${!file}")"; else printf '%s' "${!1:-$2}"; fi
}

first_start() {
    local user database password words
    user=$(given POSTGRES_USER postgres)
    database=$(given POSTGRES_DB "$user")
    password=$(given POSTGRES_PASSWORD '')
    read -ra words <<< "${POSTGRES_INITDB_ARGS:-}"
    if [[ -z $password ]]; then
        echo 'set POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE' >&2
        exit 1
    fi
    # The programs' own default for sockets is /tmp alone.
    initdb -D "$PGDATA" --username="$user" --pwfile=<(printf '%s\n' "$password") \
        -c unix_socket_directories=/var/run/postgresql,/tmp "${words[@]}"
    printf '\nhost all all all scram-sha-256\n' >> "$PGDATA/pg_hba.conf"
    # By socket only: nobody takes the half-made database for a ready one.
    pg_ctl -D "$PGDATA" -o '-c listen_addresses=' -w start
    if [[ $database != postgres ]]; then
        PGPASSWORD=$password createdb -h /var/run/postgresql -U "$user" "$database"
    fi
    pg_ctl -D "$PGDATA" -m fast -w stop
}

if [[ $1 == postgres ]]; then
    mkdir -p "$PGDATA"
    if [[ $(id -u) == 0 ]]; then
        chmod 700 "$PGDATA"
        find "$PGDATA" '!' -user postgres -exec chown postgres:postgres '{}' +
        exec gosu postgres "${BASH_SOURCE[0]}" "$@"
    fi
    if [[ ! -s $PGDATA/PG_VERSION ]]; then first_start; fi
fi
exec "$@"
