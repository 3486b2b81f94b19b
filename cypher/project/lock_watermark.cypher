// project.lock_watermark: lock a project's watermark until the transaction ends, and read it
// $project_id: text
// row: applied, integer; chain, text; incarnation, text; state, text; under_way, text or null;
//   quarantine, text
// nothing: no row: there is no watermark, and nothing is locked
// mode: write
// repeatable: yes
// note: giving the node the label that it has takes the lock, and changes nothing. The clauses run
//   in this order, so what was committed while the lock was waited for is what is read. If the node
//   was deleted meanwhile, Neo4j says EntityNotFound, and whoever asked asks again. Never take the
//   lock by a property that matters: `SET w.applied = w.applied` reads the old value before it waits.

MATCH (w:Watermark {project_id: $project_id})
SET w:Watermark
WITH w
RETURN
  w.applied AS applied, w.chain AS chain, w.incarnation AS incarnation,
  w.state AS state, w.under_way AS under_way, coalesce(w.quarantine, '') AS quarantine
