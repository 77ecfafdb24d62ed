//! The tables as diesel sees them; `tests/it` compares this file with a migrated database.

diesel::table! {
    api_keys (id) {
        id -> Uuid,
        name -> Text,
        role -> Text,
        prefix -> Text,
        key_hash -> Bytea,
        created_at -> Timestamptz,
        last_used_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    attempts (message_id, number) {
        message_id -> Uuid,
        number -> Int2,
        worker_id -> Uuid,
        claimed_at -> Timestamptz,
        finished_at -> Nullable<Timestamptz>,
        outcome -> Nullable<Text>,
        http_status -> Nullable<Int2>,
        error_code -> Nullable<Int4>,
        twilio_request_id -> Nullable<Text>,
        duration_ms -> Nullable<Int4>,
    }
}

diesel::table! {
    audit_log (id) {
        id -> Uuid,
        at -> Timestamptz,
        actor_kind -> Text,
        actor_id -> Nullable<Uuid>,
        actor_name -> Text,
        kind -> Text,
        subject_id -> Nullable<Uuid>,
        summary -> Text,
    }
}

diesel::table! {
    automation_versions (automation_id, version) {
        automation_id -> Uuid,
        version -> Int4,
        trigger -> Jsonb,
        steps -> Jsonb,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    automations (id) {
        id -> Uuid,
        name -> Text,
        status -> Text,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        archived_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    connections (id) {
        id -> Uuid,
        name -> Text,
        account_sid -> Text,
        account_name -> Text,
        account_type -> Nullable<Text>,
        auth_token -> Nullable<Bytea>,
        api_key_sid -> Nullable<Text>,
        api_key_secret -> Nullable<Bytea>,
        former_auth_token -> Nullable<Bytea>,
        former_auth_token_until -> Nullable<Timestamptz>,
        unconfirmed_policy -> Text,
        max_concurrency -> Int4,
        verified_at -> Timestamptz,
        created_at -> Timestamptz,
        disabled_at -> Nullable<Timestamptz>,
        stopped_at -> Nullable<Timestamptz>,
        stopped_reason -> Nullable<Text>,
        checked_at -> Nullable<Timestamptz>,
        checks -> Nullable<Jsonb>,
        webhook_test -> Nullable<Jsonb>,
        hook_secret -> Nullable<Bytea>,
        former_hook_secret -> Nullable<Bytea>,
        former_hook_secret_until -> Nullable<Timestamptz>,
        is_second -> Bool,
    }
}

diesel::table! {
    consent_records (id) {
        id -> Int8,
        phone -> Text,
        change -> Text,
        source -> Text,
        reason -> Nullable<Text>,
        message_id -> Nullable<Uuid>,
        user_id -> Nullable<Uuid>,
        note -> Nullable<Text>,
        recorded_at -> Timestamptz,
    }
}

diesel::table! {
    contact_tags (contact_id, tag_id) {
        contact_id -> Uuid,
        tag_id -> Uuid,
        added_at -> Timestamptz,
    }
}

diesel::table! {
    contacts (id) {
        id -> Uuid,
        phone -> Text,
        first_name -> Nullable<Text>,
        last_name -> Nullable<Text>,
        email -> Nullable<Text>,
        external_id -> Nullable<Text>,
        attributes -> Jsonb,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    delivery_events (message_id, id) {
        message_id -> Uuid,
        id -> Int8,
        status -> Text,
        source -> Text,
        error_code -> Nullable<Int4>,
        applied -> Bool,
        received_at -> Timestamptz,
        params -> Nullable<Json>,
    }
}

diesel::table! {
    enrollments (id) {
        id -> Uuid,
        automation_id -> Uuid,
        version -> Int4,
        contact_id -> Uuid,
        event_id -> Nullable<Uuid>,
        cause -> Text,
        status -> Text,
        step -> Int2,
        due_at -> Timestamptz,
        started_at -> Timestamptz,
        finished_at -> Nullable<Timestamptz>,
        reason -> Nullable<Text>,
    }
}

diesel::table! {
    events (id) {
        id -> Uuid,
        client_id -> Nullable<Text>,
        name -> Text,
        contact_id -> Uuid,
        properties -> Json,
        occurred_at -> Timestamptz,
        received_at -> Timestamptz,
        source_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    failures (created_at, message_id) {
        created_at -> Timestamptz,
        message_id -> Uuid,
        automation_id -> Nullable<Uuid>,
        sender_id -> Nullable<Uuid>,
        error_code -> Nullable<Int4>,
    }
}

diesel::table! {
    inbound_looks (sender_id) {
        sender_id -> Uuid,
        seen_until -> Timestamptz,
    }
}

diesel::table! {
    invitations (id) {
        id -> Uuid,
        email -> Text,
        role -> Text,
        token_hash -> Bytea,
        invited_by -> Nullable<Uuid>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    jobs (id) {
        id -> Int8,
        kind -> Text,
        subject -> Uuid,
        run_at -> Timestamptz,
        attempt -> Int2,
        worker_id -> Nullable<Uuid>,
        failed_at -> Nullable<Timestamptz>,
        error -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    ledger (day, automation_id, sender_id, outcome, reason, error_code) {
        day -> Date,
        automation_id -> Nullable<Uuid>,
        sender_id -> Nullable<Uuid>,
        outcome -> Text,
        reason -> Nullable<Text>,
        error_code -> Nullable<Int4>,
        count -> Int8,
    }
}

diesel::table! {
    ledger_changes (id) {
        id -> Int8,
        quarter -> Timestamptz,
        automation_id -> Nullable<Uuid>,
        sender_id -> Nullable<Uuid>,
        outcome -> Text,
        reason -> Nullable<Text>,
        error_code -> Nullable<Int4>,
        count -> Int8,
    }
}

diesel::table! {
    login_failures (subject_hash) {
        subject_hash -> Bytea,
        failures -> Int4,
        last_failed_at -> Timestamptz,
    }
}

diesel::table! {
    message_views (id) {
        id -> Uuid,
        name -> Text,
        query -> Text,
        created_by -> Nullable<Uuid>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    messages (id) {
        id -> Uuid,
        connection_id -> Uuid,
        created_at -> Timestamptz,
        status_at -> Timestamptz,
        parts -> Int2,
        status -> Text,
        direction -> Text,
        encoding -> Nullable<Text>,
        to_address -> Text,
        sender_id -> Nullable<Uuid>,
        contact_id -> Nullable<Uuid>,
        automation_id -> Nullable<Uuid>,
        enrollment_id -> Nullable<Uuid>,
        step -> Nullable<Int2>,
        request_key -> Nullable<Text>,
        retry_of -> Nullable<Uuid>,
        retried_at -> Nullable<Timestamptz>,
        template_id -> Nullable<Uuid>,
        template_version -> Nullable<Int4>,
        error_code -> Nullable<Int4>,
        reason -> Nullable<Text>,
        twilio_sid -> Nullable<Text>,
        former_sids -> Nullable<Array<Text>>,
        from_address -> Nullable<Text>,
        body -> Text,
        media_urls -> Array<Text>,
        contact_deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    opt_out_words (id) {
        id -> Uuid,
        word -> Text,
        squeezed -> Text,
        created_by -> Nullable<Uuid>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    organization (id) {
        id -> Bool,
        name -> Text,
        default_country -> Nullable<Text>,
        time_zone -> Text,
        ledger_time_zone -> Text,
    }
}

diesel::table! {
    password_resets (user_id) {
        user_id -> Uuid,
        token_hash -> Bytea,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        email_error -> Nullable<Text>,
    }
}

diesel::table! {
    prices (connection_id, country, unit) {
        connection_id -> Uuid,
        country -> Text,
        unit -> Text,
        parts -> Int8,
        amount -> Float8,
        learned_at -> Timestamptz,
    }
}

diesel::table! {
    profile_keys (kind, value) {
        kind -> Text,
        value -> Text,
        profile_id -> Uuid,
    }
}

diesel::table! {
    profiles (id) {
        id -> Uuid,
        contact_id -> Nullable<Uuid>,
        traits -> Jsonb,
        identified_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    queued_sends (message_id) {
        message_id -> Uuid,
        sender_id -> Uuid,
        flow -> Uuid,
        position -> Int8,
        parts -> Int2,
        queued_at -> Timestamptz,
        released_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    rejected_webhooks (id) {
        id -> Int8,
        connection_id -> Nullable<Uuid>,
        hook -> Text,
        reason -> Text,
        detail -> Text,
        received_at -> Timestamptz,
    }
}

diesel::table! {
    removed_tags (id) {
        id -> Int8,
        contact_id -> Uuid,
        tag_id -> Uuid,
        added_at -> Timestamptz,
        removed_at -> Timestamptz,
    }
}

diesel::table! {
    routines (name) {
        name -> Text,
        due_at -> Timestamptz,
        worker_id -> Nullable<Uuid>,
        cursor -> Nullable<Jsonb>,
        runs -> Int8,
        ended_at -> Nullable<Timestamptz>,
        error -> Nullable<Text>,
        failing_since -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    senders (id) {
        id -> Uuid,
        connection_id -> Uuid,
        kind -> Text,
        address -> Text,
        twilio_sid -> Text,
        name -> Text,
        sms_capable -> Bool,
        mms_capable -> Bool,
        webhook_url -> Nullable<Text>,
        webhook_error -> Nullable<Text>,
        health -> Nullable<Jsonb>,
        parts_per_second -> Nullable<Float8>,
        validity_minutes -> Int4,
        created_at -> Timestamptz,
        disabled_at -> Nullable<Timestamptz>,
        stopped_at -> Nullable<Timestamptz>,
        stopped_reason -> Nullable<Text>,
    }
}

diesel::table! {
    sessions (token_hash) {
        token_hash -> Bytea,
        id -> Uuid,
        user_id -> Uuid,
        created_at -> Timestamptz,
        seen_at -> Timestamptz,
        expires_at -> Timestamptz,
        browser -> Text,
    }
}

diesel::table! {
    set_aside (id) {
        id -> Int8,
        kind -> Text,
        subject -> Text,
        connection_id -> Nullable<Uuid>,
        error -> Text,
        attempts -> Int4,
        first_at -> Timestamptz,
        last_at -> Timestamptz,
        next_try_at -> Timestamptz,
    }
}

diesel::table! {
    setup_codes (code_hash) {
        code_hash -> Bytea,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    source_counts (source_id, quarter, shard) {
        source_id -> Uuid,
        quarter -> Timestamptz,
        shard -> Int2,
        accepted -> Int8,
        repeated -> Int8,
        unreachable -> Int8,
        rejected -> Int8,
    }
}

diesel::table! {
    source_deliveries (number) {
        number -> Int8,
        source_id -> Uuid,
        received_at -> Timestamptz,
        outcome -> Text,
        reason -> Nullable<Text>,
        content_type -> Nullable<Text>,
        headers -> Jsonb,
        body -> Bytea,
        event_id -> Nullable<Uuid>,
        replayed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    source_keys (id) {
        id -> Uuid,
        source_id -> Uuid,
        prefix -> Text,
        key_hash -> Bytea,
        created_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    sources (id) {
        id -> Uuid,
        name -> Text,
        kind -> Text,
        enabled -> Bool,
        mapping -> Jsonb,
        verification -> Jsonb,
        verification_secret -> Nullable<Bytea>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        last_seen_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    suppressions (id) {
        id -> Uuid,
        phone -> Text,
        reason -> Text,
        since -> Timestamptz,
        lifted_at -> Nullable<Timestamptz>,
        counted -> Bool,
        by_wording -> Bool,
    }
}

diesel::table! {
    tags (id) {
        id -> Uuid,
        name -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    template_drafts (user_id, template_id) {
        user_id -> Uuid,
        template_id -> Uuid,
        version -> Int4,
        name -> Text,
        saved_name -> Text,
        body -> Text,
        media_urls -> Text,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    template_versions (template_id, version) {
        template_id -> Uuid,
        version -> Int4,
        body -> Text,
        media_urls -> Array<Text>,
        created_at -> Timestamptz,
        created_by -> Nullable<Uuid>,
    }
}

diesel::table! {
    templates (id) {
        id -> Uuid,
        name -> Text,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        archived_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    throttles (sender_id) {
        sender_id -> Uuid,
        free_at -> Timestamptz,
        waiting_messages -> Int8,
        waiting_parts -> Int8,
        releasing -> Bool,
        last_flow -> Nullable<Uuid>,
    }
}

diesel::table! {
    users (id) {
        id -> Uuid,
        email -> Text,
        name -> Text,
        role -> Text,
        password_hash -> Text,
        created_at -> Timestamptz,
        password_changed_at -> Timestamptz,
        disabled_at -> Nullable<Timestamptz>,
        test_phone -> Nullable<Text>,
        seen_at -> Nullable<Timestamptz>,
        time_zone -> Nullable<Text>,
        theme -> Text,
    }
}

diesel::table! {
    workers (id) {
        id -> Uuid,
        host -> Text,
        pid -> Int4,
        started_at -> Timestamptz,
        seen_at -> Timestamptz,
    }
}

diesel::joinable!(attempts -> messages (message_id));
diesel::joinable!(automation_versions -> automations (automation_id));
diesel::joinable!(consent_records -> users (user_id));
diesel::joinable!(contact_tags -> contacts (contact_id));
diesel::joinable!(contact_tags -> tags (tag_id));
diesel::joinable!(delivery_events -> messages (message_id));
diesel::joinable!(enrollments -> contacts (contact_id));
diesel::joinable!(enrollments -> events (event_id));
diesel::joinable!(events -> contacts (contact_id));
diesel::joinable!(inbound_looks -> senders (sender_id));
diesel::joinable!(invitations -> users (invited_by));
diesel::joinable!(message_views -> users (created_by));
diesel::joinable!(messages -> automations (automation_id));
diesel::joinable!(messages -> connections (connection_id));
diesel::joinable!(messages -> contacts (contact_id));
diesel::joinable!(messages -> enrollments (enrollment_id));
diesel::joinable!(messages -> senders (sender_id));
diesel::joinable!(messages -> templates (template_id));
diesel::joinable!(opt_out_words -> users (created_by));
diesel::joinable!(password_resets -> users (user_id));
diesel::joinable!(prices -> connections (connection_id));
diesel::joinable!(profile_keys -> profiles (profile_id));
diesel::joinable!(profiles -> contacts (contact_id));
diesel::joinable!(rejected_webhooks -> connections (connection_id));
diesel::joinable!(removed_tags -> contacts (contact_id));
diesel::joinable!(removed_tags -> tags (tag_id));
diesel::joinable!(senders -> connections (connection_id));
diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(throttles -> senders (sender_id));
diesel::joinable!(source_counts -> sources (source_id));
diesel::joinable!(source_deliveries -> sources (source_id));
diesel::joinable!(source_keys -> sources (source_id));
diesel::joinable!(template_drafts -> users (user_id));
diesel::joinable!(template_versions -> templates (template_id));
diesel::joinable!(template_versions -> users (created_by));

diesel::allow_tables_to_appear_in_same_query!(
    api_keys,
    attempts,
    audit_log,
    automation_versions,
    automations,
    connections,
    consent_records,
    contact_tags,
    contacts,
    delivery_events,
    enrollments,
    events,
    failures,
    inbound_looks,
    invitations,
    jobs,
    ledger,
    ledger_changes,
    login_failures,
    message_views,
    messages,
    opt_out_words,
    organization,
    password_resets,
    prices,
    profile_keys,
    profiles,
    queued_sends,
    rejected_webhooks,
    removed_tags,
    routines,
    senders,
    sessions,
    set_aside,
    setup_codes,
    source_counts,
    source_deliveries,
    source_keys,
    sources,
    suppressions,
    tags,
    template_drafts,
    template_versions,
    templates,
    throttles,
    users,
    workers,
);
