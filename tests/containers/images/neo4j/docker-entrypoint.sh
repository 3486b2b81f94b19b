#!/bin/bash
# Settings from NEO4J_* variables, the initial password, then the server in the foreground.
set -Eeuo pipefail

conf=$NEO4J_HOME/conf/neo4j.conf

as_neo4j=()
if [[ $(id -u) == 0 ]]; then as_neo4j=(gosu neo4j:neo4j); fi

neo4j_java() {  # neo4j_java CLASS ARGUMENT...
    "${as_neo4j[@]}" java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC --enable-native-access=ALL-UNNAMED \
        -Dbasedir="$NEO4J_HOME" -cp "$NEO4J_HOME/lib/*" "$@"
}

# NEO4J_X_FILE names a file with the value of NEO4J_X.
for name in $(compgen -e NEO4J_ | grep '_FILE$' || true); do
    export "${name%_FILE}=$(<"${!name}")"
    unset "$name"
done

# NEO4J_server_memory_heap_max__size is the setting server.memory.heap.max_size.
for name in $(compgen -e NEO4J_); do
    case $name in NEO4J_HOME | NEO4J_EDITION | NEO4J_AUTH) continue ;; esac
    setting=$(sed 's/^NEO4J_//; s/__/\n/g; s/_/./g; s/\n/_/g' <<< "$name")
    sed -i "/^${setting//./\\.}=/d" "$conf"
    printf '%s=%s\n' "$setting" "${!name}" >> "$conf"
done

if [[ $(id -u) == 0 ]]; then
    mkdir -p /data/dbms
    find "$NEO4J_HOME/conf" /data /logs '!' -user neo4j -exec chown -h neo4j:neo4j '{}' +
fi

auth=${NEO4J_AUTH:-}
unset NEO4J_AUTH
if [[ $auth == neo4j/* ]]; then
    # It leaves a store that has users already alone.
    neo4j_java org.neo4j.cli.AdminTool dbms set-initial-password "${auth#neo4j/}"
elif [[ -n $auth ]]; then
    echo 'NEO4J_AUTH has to be neo4j/<password>' >&2
    exit 1
fi

rm -f "$NEO4J_HOME/run/neo4j.pid"
# Neo4j's own launcher makes the command out of its settings, quoted for a shell.
command=$(neo4j_java org.neo4j.server.startup.Neo4jCommand console --dry-run)
eval "exec ${as_neo4j[*]} $command"
