// schema.await_indexes: wait until every index is online
// $timeout_s: integer, seconds; an error after that
// row: none
// nothing: they are online
// mode: read
// repeatable: yes

CALL db.awaitIndexes($timeout_s)
