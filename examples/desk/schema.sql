-- The desk of a small shop: what its staff see on one page. Nothing here knows of Doorbell.

create table users (
    id          bigint generated always as identity primary key,
    name        text not null unique
);

-- For everybody: the bell on the page.
create table notifications (
    id          bigint generated always as identity primary key,
    kind        text not null default 'info' check (kind in ('info', 'warning', 'urgent')),
    body        text not null,
    done        boolean not null default false,
    created_at  timestamptz not null default now()
);

create table notification_reads (
    notification_id bigint not null references notifications on delete cascade,
    user_id         bigint not null references users on delete cascade,
    read_at         timestamptz not null default now(),
    primary key (notification_id, user_id)
);

-- For one person: mentions, hand-overs.
create table user_notifications (
    id          bigint generated always as identity primary key,
    user_id     bigint not null references users on delete cascade,
    body        text not null,
    read        boolean not null default false,
    created_at  timestamptz not null default now()
);
create index on user_notifications (user_id, id);

create table orders (
    id          bigint generated always as identity primary key,
    customer    text not null,
    amount      numeric(10, 2) not null check (amount > 0),
    status      text not null default 'open' check (status in ('open', 'shipped', 'returned')),
    created_at  timestamptz not null default now()
);

create table rooms (
    id          bigint generated always as identity primary key,
    name        text not null unique
);

create table messages (
    id          bigint generated always as identity primary key,
    room_id     bigint not null references rooms on delete cascade,
    author      text not null,
    body        text not null,
    created_at  timestamptz not null default now()
);
create index on messages (room_id, id);

insert into users (name) values ('Ada'), ('Bert'), ('Chidi');
insert into rooms (name) values ('Counter'), ('Warehouse');
insert into notifications (kind, body, done, created_at) values
    ('info', 'Stocktaking on Friday at six', true, now() - interval '3 hours'),
    ('warning', 'Parcel service is running late today', false, now() - interval '50 minutes'),
    ('info', 'New price list from Monday', false, now() - interval '20 minutes');
insert into user_notifications (user_id, body) select id, 'Welcome to the desk, ' || name from users;
insert into orders (customer, amount, status, created_at)
    select (array['Ines', 'Jonas', 'Kemal', 'Lotte', 'Mara'])[1 + i % 5], 12 + (i * 37) % 140 + 0.5,
        case when i % 3 = 0 then 'open' else 'shipped' end, now() - (33 - i) * interval '9 minutes'
    from generate_series(1, 32) i;
insert into messages (room_id, author, body, created_at) values
    (1, 'Bert', 'Morning! Who has the key to the cabinet?', now() - interval '25 minutes'),
    (1, 'Ada', 'In the drawer under the till.', now() - interval '24 minutes'),
    (2, 'Chidi', 'Two pallets for bay 4 just came in.', now() - interval '10 minutes');
