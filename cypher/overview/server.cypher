// overview.server: which Neo4j answers, and what time it is there
// row: version, text; edition, text; now, integer, milliseconds since 1970 UTC
// nothing: cannot be; one row always
// mode: read
// repeatable: yes

CALL dbms.components() YIELD name, versions, edition
WHERE name = 'Neo4j Kernel'
RETURN versions[0] AS version, edition, datetime.realtime().epochMillis AS now
