-- Schema 5. Companies.

-- A company by its own key. kind: 1 a group id, 2 a company record (its number as text), 3 a domain.
CREATE TABLE company (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uid BLOB NOT NULL UNIQUE,
    kind INTEGER NOT NULL,
    value TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    attributes BLOB NOT NULL,
    UNIQUE (kind, value)
) STRICT;

-- What events say: the group ids of a profile, with the first and the last instant each was said at.
CREATE TABLE company_claim (
    profile INTEGER NOT NULL,
    value TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (profile, value)
) STRICT, WITHOUT ROWID;

-- Companies that said something new: what they claim and who belongs to them is derived again.
CREATE TABLE company_stale (company INTEGER PRIMARY KEY) STRICT;

-- Derived: the domains that a company claims.
CREATE TABLE company_domain (
    domain TEXT NOT NULL,
    company INTEGER NOT NULL,
    PRIMARY KEY (domain, company)
) STRICT, WITHOUT ROWID;
CREATE INDEX company_domain_company ON company_domain (company);

-- Derived: what ties a profile to which company. kind: 1 group, 2 company record, 3 traits.company.id, 4 e-mail domain,
-- 5 website. rank: 0 the primary company, then by strength; -1 was said once and is no longer.
CREATE TABLE company_member (
    profile INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    value TEXT NOT NULL,
    company INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    PRIMARY KEY (profile, kind, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX company_member_company ON company_member (company, rank);
CREATE INDEX company_member_domain ON company_member (value) WHERE kind >= 4;
