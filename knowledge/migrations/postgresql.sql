-- The tables of the knowledge database as they were when PostgreSQL came; what came later is in versions/.

CREATE TABLE cases (
    id SERIAL NOT NULL,
    subject VARCHAR NOT NULL,
    subject_key VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    merged_into INTEGER,
    opened_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(merged_into) REFERENCES cases (id)
);
CREATE INDEX ix_cases_state ON cases (state);
CREATE INDEX ix_cases_subject_key ON cases (subject_key);
CREATE INDEX ix_cases_updated_at ON cases (updated_at);

CREATE TABLE conditions (
    part VARCHAR NOT NULL,
    paused BOOLEAN NOT NULL,
    kind VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    tries INTEGER NOT NULL,
    since TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    set_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    retry_at TIMESTAMP WITHOUT TIME ZONE,
    PRIMARY KEY (part)
);

CREATE TABLE connections (
    mailbox VARCHAR NOT NULL,
    folder VARCHAR NOT NULL,
    pushes BOOLEAN NOT NULL,
    connected_at TIMESTAMP WITHOUT TIME ZONE,
    heard_at TIMESTAMP WITHOUT TIME ZONE,
    last_error VARCHAR NOT NULL,
    error_at TIMESTAMP WITHOUT TIME ZONE,
    PRIMARY KEY (mailbox, folder)
);

CREATE TABLE cursors (
    mailbox VARCHAR NOT NULL,
    folder VARCHAR NOT NULL,
    uidvalidity BIGINT NOT NULL,
    last_uid BIGINT NOT NULL,
    first_uid BIGINT NOT NULL,
    since TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    PRIMARY KEY (mailbox, folder)
);

CREATE TABLE documents (
    id SERIAL NOT NULL,
    path VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL,
    size BIGINT NOT NULL,
    modified_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    passages INTEGER NOT NULL,
    problem VARCHAR NOT NULL,
    recorded_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    expired_at TIMESTAMP WITHOUT TIME ZONE,
    PRIMARY KEY (id)
);
CREATE INDEX ix_documents_path ON documents (path);

CREATE TABLE links (
    number SERIAL NOT NULL,
    kind VARCHAR NOT NULL,
    subject INTEGER NOT NULL,
    salt VARCHAR NOT NULL,
    digest VARCHAR NOT NULL,
    previous VARCHAR NOT NULL,
    hash VARCHAR NOT NULL,
    linked_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    PRIMARY KEY (number)
);
CREATE INDEX ix_links_kind ON links (kind);
CREATE INDEX ix_links_subject ON links (subject);

CREATE TABLE log_words (
    block INTEGER NOT NULL,
    key BYTEA NOT NULL,
    entries BYTEA NOT NULL,
    PRIMARY KEY (block, key)
);

CREATE TABLE maildir_files (
    mailbox VARCHAR NOT NULL,
    folder VARCHAR NOT NULL,
    uid BIGINT NOT NULL,
    name VARCHAR NOT NULL,
    PRIMARY KEY (mailbox, folder, uid),
    UNIQUE (mailbox, folder, name)
);

CREATE TABLE orders (
    id SERIAL NOT NULL,
    kind VARCHAR NOT NULL,
    argument VARCHAR NOT NULL,
    asked_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    state VARCHAR NOT NULL,
    outcome VARCHAR NOT NULL,
    done_at TIMESTAMP WITHOUT TIME ZONE,
    PRIMARY KEY (id)
);
CREATE INDEX ix_orders_state ON orders (state);

CREATE TABLE persons (
    id SERIAL NOT NULL,
    name VARCHAR NOT NULL,
    organisation VARCHAR NOT NULL,
    language VARCHAR NOT NULL,
    merged_into INTEGER,
    first_seen_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    last_seen_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(merged_into) REFERENCES persons (id)
);
CREATE INDEX ix_persons_organisation ON persons (organisation);

CREATE TABLE raw_mails (
    sha256 VARCHAR NOT NULL,
    size INTEGER NOT NULL,
    packed BYTEA NOT NULL,
    PRIMARY KEY (sha256)
);

CREATE TABLE replays (
    id SERIAL NOT NULL,
    of_live_session BOOLEAN NOT NULL,
    place VARCHAR NOT NULL,
    wanted INTEGER NOT NULL,
    variants JSON NOT NULL,
    started_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITHOUT TIME ZONE,
    PRIMARY KEY (id)
);

CREATE TABLE service (
    id INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    pid INTEGER NOT NULL,
    version VARCHAR NOT NULL,
    started_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    beat_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    stopped_at TIMESTAMP WITHOUT TIME ZONE,
    PRIMARY KEY (id)
);

CREATE TABLE sessions (
    id VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    generation INTEGER NOT NULL,
    model VARCHAR NOT NULL,
    orders_digest VARCHAR NOT NULL,
    head_uuid VARCHAR,
    head_offset INTEGER NOT NULL,
    context_tokens INTEGER NOT NULL,
    reclaimed FLOAT,
    handover VARCHAR NOT NULL,
    mirrored_offset INTEGER NOT NULL,
    predecessor VARCHAR,
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITHOUT TIME ZONE,
    end_reason VARCHAR NOT NULL,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX one_live_session ON sessions (state) WHERE state = 'live';

CREATE TABLE case_notes (
    session_id VARCHAR NOT NULL,
    case_id INTEGER NOT NULL,
    text VARCHAR NOT NULL,
    noted_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    PRIMARY KEY (session_id, case_id),
    FOREIGN KEY(session_id) REFERENCES sessions (id),
    FOREIGN KEY(case_id) REFERENCES cases (id)
);

CREATE TABLE messages (
    id SERIAL NOT NULL,
    mailbox VARCHAR NOT NULL,
    folder VARCHAR NOT NULL,
    uidvalidity BIGINT NOT NULL,
    uid BIGINT NOT NULL,
    sha256 VARCHAR NOT NULL,
    size INTEGER NOT NULL,
    whole BOOLEAN NOT NULL,
    message_id VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    sender_address VARCHAR NOT NULL,
    sender_name VARCHAR NOT NULL,
    correspondents JSON NOT NULL,
    conversation VARCHAR NOT NULL,
    authenticity VARCHAR NOT NULL,
    placement VARCHAR NOT NULL,
    removed JSON NOT NULL,
    person_id INTEGER,
    case_id INTEGER,
    about_id INTEGER,
    words VARCHAR NOT NULL,
    received_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    state VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    attempts INTEGER NOT NULL,
    due_at TIMESTAMP WITHOUT TIME ZONE,
    outage_at TIMESTAMP WITHOUT TIME ZONE,
    updated_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (mailbox, folder, uidvalidity, uid),
    FOREIGN KEY(sha256) REFERENCES raw_mails (sha256),
    FOREIGN KEY(person_id) REFERENCES persons (id),
    FOREIGN KEY(case_id) REFERENCES cases (id),
    FOREIGN KEY(about_id) REFERENCES messages (id)
);
CREATE INDEX ix_messages_case_id ON messages (case_id);
CREATE INDEX ix_messages_conversation ON messages (conversation);
CREATE INDEX ix_messages_message_id ON messages (message_id);
CREATE INDEX ix_messages_person_id ON messages (person_id);
CREATE INDEX ix_messages_sender_address ON messages (sender_address);
CREATE INDEX ix_messages_sha256 ON messages (sha256);
CREATE INDEX ix_messages_state ON messages (state);

CREATE TABLE person_addresses (
    address VARCHAR NOT NULL,
    person_id INTEGER NOT NULL,
    PRIMARY KEY (address),
    FOREIGN KEY(person_id) REFERENCES persons (id)
);
CREATE INDEX ix_person_addresses_person_id ON person_addresses (person_id);

CREATE TABLE upkeeps (
    id SERIAL NOT NULL,
    session_id VARCHAR NOT NULL,
    generation INTEGER NOT NULL,
    kind VARCHAR NOT NULL,
    why VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    reserved_usd FLOAT NOT NULL,
    cost_usd FLOAT,
    tokens_before INTEGER NOT NULL,
    tokens_after INTEGER,
    head_uuid VARCHAR,
    head_offset INTEGER,
    started_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITHOUT TIME ZONE,
    seconds FLOAT,
    failure VARCHAR NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(session_id) REFERENCES sessions (id)
);
CREATE INDEX ix_upkeeps_session_id ON upkeeps (session_id);
CREATE INDEX ix_upkeeps_started_at ON upkeeps (started_at);
CREATE INDEX ix_upkeeps_state ON upkeeps (state);

CREATE TABLE replay_turns (
    id SERIAL NOT NULL,
    replay_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    session_id VARCHAR NOT NULL,
    variant VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    agrees BOOLEAN,
    changes JSON NOT NULL,
    category VARCHAR NOT NULL,
    priority VARCHAR NOT NULL,
    summary VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    confidence FLOAT,
    actions JSON NOT NULL,
    reply VARCHAR NOT NULL,
    reserved_usd FLOAT NOT NULL,
    cost_usd FLOAT,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cache_read_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    started_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITHOUT TIME ZONE,
    seconds FLOAT,
    failure VARCHAR NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(replay_id) REFERENCES replays (id),
    FOREIGN KEY(message_id) REFERENCES messages (id),
    FOREIGN KEY(session_id) REFERENCES sessions (id)
);
CREATE INDEX ix_replay_turns_message_id ON replay_turns (message_id);
CREATE INDEX ix_replay_turns_replay_id ON replay_turns (replay_id);
CREATE INDEX ix_replay_turns_started_at ON replay_turns (started_at);

CREATE TABLE turns (
    id SERIAL NOT NULL,
    message_id INTEGER NOT NULL,
    session_id VARCHAR NOT NULL,
    generation INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    prompt_uuid VARCHAR NOT NULL,
    prompt VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    reserved_usd FLOAT NOT NULL,
    cost_usd FLOAT,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cache_read_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    tools JSON NOT NULL,
    notes JSON NOT NULL,
    head_uuid VARCHAR,
    head_offset INTEGER,
    context_tokens INTEGER NOT NULL,
    started_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITHOUT TIME ZONE,
    seconds FLOAT,
    failure VARCHAR NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(message_id) REFERENCES messages (id),
    FOREIGN KEY(session_id) REFERENCES sessions (id),
    UNIQUE (prompt_uuid)
);
CREATE INDEX ix_turns_message_id ON turns (message_id);
CREATE INDEX ix_turns_session_id ON turns (session_id);
CREATE INDEX ix_turns_started_at ON turns (started_at);
CREATE INDEX ix_turns_state ON turns (state);

CREATE TABLE case_files (
    id SERIAL NOT NULL,
    case_id INTEGER NOT NULL,
    turn_id INTEGER NOT NULL,
    name VARCHAR NOT NULL,
    text VARCHAR NOT NULL,
    written_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    withdrawn_at TIMESTAMP WITHOUT TIME ZONE,
    PRIMARY KEY (id),
    FOREIGN KEY(case_id) REFERENCES cases (id),
    FOREIGN KEY(turn_id) REFERENCES turns (id)
);
CREATE INDEX ix_case_files_case_id ON case_files (case_id);
CREATE INDEX ix_case_files_turn_id ON case_files (turn_id);

CREATE TABLE decisions (
    id SERIAL NOT NULL,
    message_id INTEGER NOT NULL,
    turn_id INTEGER,
    rule VARCHAR NOT NULL,
    category VARCHAR NOT NULL,
    priority VARCHAR NOT NULL,
    summary VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    confidence FLOAT NOT NULL,
    decided_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    withdrawn_at TIMESTAMP WITHOUT TIME ZONE,
    PRIMARY KEY (id),
    FOREIGN KEY(message_id) REFERENCES messages (id),
    FOREIGN KEY(turn_id) REFERENCES turns (id)
);
CREATE INDEX ix_decisions_category ON decisions (category);
CREATE INDEX ix_decisions_decided_at ON decisions (decided_at);
CREATE INDEX ix_decisions_message_id ON decisions (message_id);
CREATE UNIQUE INDEX one_decision ON decisions (message_id) WHERE withdrawn_at IS NULL;

CREATE TABLE facts (
    id SERIAL NOT NULL,
    person_id INTEGER,
    organisation VARCHAR,
    kind VARCHAR NOT NULL,
    text VARCHAR NOT NULL,
    quote VARCHAR NOT NULL,
    author VARCHAR NOT NULL,
    message_id INTEGER,
    turn_id INTEGER,
    valid_from DATE,
    valid_to DATE,
    recorded_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    expired_at TIMESTAMP WITHOUT TIME ZONE,
    expired_by INTEGER,
    superseded_by INTEGER,
    PRIMARY KEY (id),
    FOREIGN KEY(person_id) REFERENCES persons (id),
    FOREIGN KEY(message_id) REFERENCES messages (id),
    FOREIGN KEY(turn_id) REFERENCES turns (id),
    FOREIGN KEY(expired_by) REFERENCES turns (id),
    FOREIGN KEY(superseded_by) REFERENCES facts (id)
);
CREATE INDEX ix_facts_message_id ON facts (message_id);
CREATE INDEX ix_facts_person_id ON facts (person_id);
CREATE INDEX ix_facts_turn_id ON facts (turn_id);

CREATE TABLE actions (
    id SERIAL NOT NULL,
    message_id INTEGER NOT NULL,
    decision_id INTEGER,
    ordinal INTEGER NOT NULL,
    kind VARCHAR NOT NULL,
    target VARCHAR NOT NULL,
    content BYTEA NOT NULL,
    recipients JSON NOT NULL,
    own_message_id VARCHAR NOT NULL,
    digest VARCHAR NOT NULL,
    rule VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    tries INTEGER NOT NULL,
    due_at TIMESTAMP WITHOUT TIME ZONE,
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(message_id) REFERENCES messages (id),
    FOREIGN KEY(decision_id) REFERENCES decisions (id)
);
CREATE INDEX ix_actions_decision_id ON actions (decision_id);
CREATE INDEX ix_actions_message_id ON actions (message_id);
CREATE INDEX ix_actions_own_message_id ON actions (own_message_id);
CREATE INDEX ix_actions_state ON actions (state);

CREATE TABLE log_entries (
    number SERIAL NOT NULL,
    message_id INTEGER NOT NULL,
    decision_id INTEGER,
    state VARCHAR NOT NULL,
    concluded_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    reached_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    changed INTEGER NOT NULL,
    closed_at TIMESTAMP WITHOUT TIME ZONE,
    PRIMARY KEY (number),
    FOREIGN KEY(message_id) REFERENCES messages (id),
    FOREIGN KEY(decision_id) REFERENCES decisions (id),
    UNIQUE (changed)
);
CREATE INDEX ix_log_entries_decision_id ON log_entries (decision_id);
CREATE INDEX ix_log_entries_message_id ON log_entries (message_id);
CREATE INDEX ix_log_entries_reached ON log_entries (reached_at, number);
CREATE UNIQUE INDEX one_entry ON log_entries (message_id) WHERE closed_at IS NULL;

CREATE TABLE passages (
    id SERIAL NOT NULL,
    person_id INTEGER,
    organisation VARCHAR,
    case_id INTEGER,
    message_id INTEGER,
    fact_id INTEGER,
    document_id INTEGER,
    heading VARCHAR NOT NULL,
    ours BOOLEAN NOT NULL,
    speaker VARCHAR NOT NULL,
    said_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    text VARCHAR NOT NULL,
    stems VARCHAR NOT NULL,
    label VARCHAR NOT NULL,
    before VARCHAR NOT NULL,
    behind VARCHAR NOT NULL,
    followed_at TIMESTAMP WITHOUT TIME ZONE,
    turn_id INTEGER,
    recorded_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    expired_at TIMESTAMP WITHOUT TIME ZONE,
    PRIMARY KEY (id),
    FOREIGN KEY(person_id) REFERENCES persons (id),
    FOREIGN KEY(case_id) REFERENCES cases (id),
    FOREIGN KEY(message_id) REFERENCES messages (id),
    FOREIGN KEY(fact_id) REFERENCES facts (id),
    FOREIGN KEY(document_id) REFERENCES documents (id),
    FOREIGN KEY(turn_id) REFERENCES turns (id)
);
CREATE INDEX ix_passages_case ON passages (case_id, person_id);
CREATE INDEX ix_passages_document_id ON passages (document_id);
CREATE INDEX ix_passages_fact_id ON passages (fact_id);
CREATE INDEX ix_passages_message_id ON passages (message_id);
CREATE INDEX ix_passages_owner ON passages (person_id, organisation, expired_at);
CREATE INDEX ix_passages_turn_id ON passages (turn_id);

CREATE TABLE promises (
    id SERIAL NOT NULL,
    case_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    decision_id INTEGER,
    by VARCHAR NOT NULL,
    what VARCHAR NOT NULL,
    due DATE NOT NULL,
    comes_up_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    state VARCHAR NOT NULL,
    reminder_id INTEGER,
    made_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    closed_at TIMESTAMP WITHOUT TIME ZONE,
    closed_by INTEGER,
    closing VARCHAR NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(case_id) REFERENCES cases (id),
    FOREIGN KEY(message_id) REFERENCES messages (id),
    FOREIGN KEY(decision_id) REFERENCES decisions (id),
    FOREIGN KEY(reminder_id) REFERENCES messages (id),
    FOREIGN KEY(closed_by) REFERENCES turns (id)
);
CREATE INDEX ix_promises_case_id ON promises (case_id);
CREATE INDEX ix_promises_comes_up_at ON promises (comes_up_at);
CREATE INDEX ix_promises_decision_id ON promises (decision_id);
CREATE INDEX ix_promises_state ON promises (state);

CREATE TABLE shared_issues (
    id SERIAL NOT NULL,
    category VARCHAR NOT NULL,
    proposed VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    decision_id INTEGER NOT NULL,
    opened_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    confirmed_at TIMESTAMP WITHOUT TIME ZONE,
    closed_at TIMESTAMP WITHOUT TIME ZONE,
    merged_into INTEGER,
    PRIMARY KEY (id),
    FOREIGN KEY(decision_id) REFERENCES decisions (id),
    FOREIGN KEY(merged_into) REFERENCES shared_issues (id)
);

CREATE TABLE feedback (
    id SERIAL NOT NULL,
    action_id INTEGER NOT NULL,
    kind VARCHAR NOT NULL,
    detail VARCHAR NOT NULL,
    noted_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(action_id) REFERENCES actions (id)
);
CREATE INDEX ix_feedback_action_id ON feedback (action_id);

CREATE TABLE handoffs (
    id SERIAL NOT NULL,
    turn_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    specialist VARCHAR NOT NULL,
    why VARCHAR NOT NULL,
    brief VARCHAR NOT NULL,
    report VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    awaits VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    tries INTEGER NOT NULL,
    reserved_usd FLOAT NOT NULL,
    cost_usd FLOAT NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cache_read_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    seconds FLOAT NOT NULL,
    tools JSON NOT NULL,
    transcript VARCHAR NOT NULL,
    started_at TIMESTAMP WITHOUT TIME ZONE,
    outage_at TIMESTAMP WITHOUT TIME ZONE,
    ended_at TIMESTAMP WITHOUT TIME ZONE,
    report_id INTEGER,
    letter_id INTEGER,
    comes_up_at TIMESTAMP WITHOUT TIME ZONE,
    reminder_id INTEGER,
    PRIMARY KEY (id),
    FOREIGN KEY(turn_id) REFERENCES turns (id),
    FOREIGN KEY(message_id) REFERENCES messages (id),
    FOREIGN KEY(report_id) REFERENCES messages (id),
    FOREIGN KEY(letter_id) REFERENCES actions (id),
    FOREIGN KEY(reminder_id) REFERENCES messages (id)
);
CREATE INDEX ix_handoffs_letter_id ON handoffs (letter_id);
CREATE INDEX ix_handoffs_message_id ON handoffs (message_id);
CREATE INDEX ix_handoffs_reminder_id ON handoffs (reminder_id);
CREATE INDEX ix_handoffs_report_id ON handoffs (report_id);
CREATE INDEX ix_handoffs_specialist ON handoffs (specialist);
CREATE INDEX ix_handoffs_state ON handoffs (state);
CREATE INDEX ix_handoffs_turn_id ON handoffs (turn_id);

CREATE TABLE issue_links (
    decision_id INTEGER NOT NULL,
    issue_id INTEGER NOT NULL,
    linked_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    PRIMARY KEY (decision_id),
    FOREIGN KEY(decision_id) REFERENCES decisions (id),
    FOREIGN KEY(issue_id) REFERENCES shared_issues (id)
);
CREATE INDEX ix_issue_links_issue_id ON issue_links (issue_id);

CREATE TABLE passage_vectors (
    passage_id INTEGER NOT NULL,
    embedder VARCHAR NOT NULL,
    vector BYTEA NOT NULL,
    PRIMARY KEY (passage_id),
    FOREIGN KEY(passage_id) REFERENCES passages (id) ON DELETE CASCADE
);

CREATE TABLE tool_calls (
    id SERIAL NOT NULL,
    handoff_id INTEGER NOT NULL,
    server VARCHAR NOT NULL,
    tool VARCHAR NOT NULL,
    arguments JSON NOT NULL,
    allowed BOOLEAN NOT NULL,
    error BOOLEAN NOT NULL,
    said VARCHAR NOT NULL,
    seconds FLOAT NOT NULL,
    result_size INTEGER NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(handoff_id) REFERENCES handoffs (id)
);
CREATE INDEX ix_tool_calls_handoff_id ON tool_calls (handoff_id);

-- Words are numbers made in Python of person and stem. Without a pending list each search costs the same.
CREATE TABLE passage_words (
    passage_id INTEGER NOT NULL,
    words BIGINT[] NOT NULL,
    PRIMARY KEY (passage_id),
    FOREIGN KEY(passage_id) REFERENCES passages (id) ON DELETE CASCADE
);
CREATE INDEX ix_passage_words_words ON passage_words USING gin (words) WITH (fastupdate = off);

-- A vector tells something of the words that it was made of, so it goes with them, whoever closes or erases them.
CREATE FUNCTION passage_vectors_go() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM passage_vectors WHERE passage_id = new.id;
    RETURN NULL;
END $$;
CREATE TRIGGER passage_vectors_go AFTER UPDATE OF text, expired_at ON passages FOR EACH ROW
    WHEN (new.expired_at IS NOT NULL OR new.text IS DISTINCT FROM old.text) EXECUTE FUNCTION passage_vectors_go();
