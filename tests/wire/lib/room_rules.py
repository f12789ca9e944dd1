# SPDX-License-Identifier: MIT
"""Who may do what in a room, from the tables and sections of XEP-0045 1.35 alone.

Each function answers with the conditions a refusal may have (a set), the empty set where the XEP grants
it, or None where it leaves the answer open in a way that cannot be predicted; such steps are left out.
Rules holds the choices the XEP leaves to a service, and the deviations of a server from it.
"""
from dataclasses import dataclass, field

AFFILIATIONS = ("outcast", "none", "member", "admin", "owner")  # rising
ROLES = ("none", "visitor", "participant", "moderator")


def rank(affiliation):
    return AFFILIATIONS.index(affiliation)


def role_rank(role):
    return ROLES.index(role)


@dataclass
class Settings:
    """Of a room, by the names of the model; FIELDS has those of the form."""
    moderated: bool = False
    members_only: bool = False
    whois: str = "moderators"
    password: str = ""
    max_users: int = 0
    change_subject: bool = False
    persistent: bool = False
    allow_pm: str = "anyone"
    present: frozenset = frozenset({"visitor", "participant", "moderator"})


FIELDS = {
    "moderated": "muc#roomconfig_moderatedroom", "members_only": "muc#roomconfig_membersonly",
    "whois": "muc#roomconfig_whois", "password": "muc#roomconfig_roomsecret",
    "max_users": "muc#roomconfig_maxusers", "change_subject": "muc#roomconfig_changesubject",
    "persistent": "muc#roomconfig_persistentroom", "allow_pm": "muc#roomconfig_allowpm",
    "present": "muc#roomconfig_presencebroadcast",
}


@dataclass
class Rules:
    defaults: Settings = field(default_factory=Settings)
    options: tuple = tuple(FIELDS)         # that the room's form has
    unmoderated_visitor_speaks: bool = False  # 5.1.1 **, 7.4
    kick_self: bool = False                # 8.2: MAY be a conflict
    revoke_equal: frozenset = frozenset()  # 8.4 "at or above" against 8.5 "higher": affiliations among which voice can be taken
    owner_demotes_admin: bool = False      # 5.1.3 * against 9.7
    full_counts: str = "nicks"             # or sessions
    history_limit: int = 20
    reasons: bool = True                   # of kicks and bans are passed on
    second_nick: bool = True               # one account may be in with two nicks
    admins_see_jids: bool = False          # also those that are no moderators just now
    moderation_adapts_roles: bool = False  # switched on or off: those without an affiliation lose or get voice
    voice_outlasts_membership: bool = False  # 5.1.3: also while the room is moderated
    absent_admins_moderate: bool = False   # they need not be in the room
    repeated_grant_counts: bool = False    # an affiliation one has brings back the role that goes with it
    logged: bool = False                   # 7.1.12: who comes is told that it is archived
    keeps_empty: bool = False              # a room that is made temporary while nobody is in it
    # Deviations
    not_admin: frozenset = frozenset({"forbidden"})      # 9: who is no admin asks for what admins do
    not_moderator: frozenset = frozenset({"forbidden"})  # 8
    cancel_destroys: bool = True           # 10.1: cancelled initial configuration
    leaving_session_role: frozenset = frozenset({"none"})  # 7.14, of one of several sessions
    first_password_counts: bool = False    # of who creates a room: it gets that password
    says_nothing_of_322: bool = False      # 10.2: those that stay are not told who had to go
    loses_lone_renamer: bool = False       # a temporary room is gone when the only one in it changes his nick
    answers_unavailable: bool = False      # 15.3: to nicks and rooms nobody is in
    confused_by_left_sessions: bool = False  # a nick that had two sessions cannot be changed
    shows_left_session: bool = False       # its JID once more in the presence of those that stay under the nick
    locked_message: frozenset = frozenset({"item-not-found"})  # 15.2
    resync_is_join: bool = True            # 7.1: the same stanzas, status codes included
    admins_list_admins: bool = False       # 10.8: forbidden in semi-anonymous rooms
    members_list_open: bool = True         # 9.5: members read the list of a non-anonymous room, members-only or not
    equal_or_lower_only: bool = True       # 8.2, 9.7: see may_set_role()


XYLEM = Rules(
    revoke_equal=frozenset({"none"}), kick_self=True, unmoderated_visitor_speaks=True, absent_admins_moderate=True,
    voice_outlasts_membership=True, moderation_adapts_roles=True, logged=True)
# Debian 12's Prosody 0.12.3.
PROSODY = Rules(
    options=tuple(o for o in FIELDS if o not in ("max_users", "allow_pm")),
    revoke_equal=frozenset(AFFILIATIONS), kick_self=True, owner_demotes_admin=True, repeated_grant_counts=True,
    keeps_empty=True, admins_see_jids=True,
    # deviations
    not_admin=frozenset({"not-allowed"}), not_moderator=frozenset({"not-allowed"}), cancel_destroys=False,
    leaving_session_role=frozenset(("visitor", "participant", "moderator")), resync_is_join=False,
    loses_lone_renamer=True, answers_unavailable=True, first_password_counts=True, says_nothing_of_322=True,
    confused_by_left_sessions=True, shows_left_session=True, locked_message=frozenset({"not-acceptable"}),
    admins_list_admins=True, members_list_open=False, equal_or_lower_only=False)


def default_role(settings, affiliation):
    """5.1.2"""
    if affiliation in ("admin", "owner"):
        return "moderator"
    if affiliation == "none" and settings.moderated:
        return "visitor"
    return "participant"


def role_after(rules, settings, role, before, after):
    """5.1.3: what is gained is sure, what is lost is left to the service."""
    default = default_role(settings, after)
    if after == before and not rules.repeated_grant_counts:
        return role
    if rank(after) < rank(before) and (not rules.voice_outlasts_membership or rank(after) < rank("admin") <= rank(before)):
        return default
    return max(role, default, key=role_rank)


def moderates(rules, affiliation, role):
    """9 speaks of admins, in the room or not; 8 of moderators."""
    return role == "moderator" or rules.absent_admins_moderate and rank(affiliation) >= rank("admin")


def may_set_role(rules, actor, target, wanted, same):
    """8.2 to 8.5, 9.6, 9.7. actor, target: (affiliation, role); same: it is the actor's own nick."""
    (actor_affiliation, actor_role), (affiliation, role) = actor, target
    if not moderates(rules, actor_affiliation, actor_role):
        return rules.not_moderator
    privileged, above = rank(affiliation) >= rank("admin"), rank(affiliation) > rank(actor_affiliation)
    chief = rank(actor_affiliation) >= rank("admin")
    if wanted == role:  # nothing to do, or not to be done
        return None if above or role == "moderator" and not chief else set()
    if same and wanted == "none":
        return set() if rules.kick_self else {"conflict"}
    among_moderators = not chief and "moderator" in (role, wanted)
    if above or among_moderators:
        return {"not-allowed"} | (rules.not_admin if among_moderators else set())
    if wanted == "none" or role_rank(wanted) >= role_rank(role):
        return set()
    if privileged and rules.equal_or_lower_only:
        return set() if rules.owner_demotes_admin and not same and actor_affiliation == "owner" != affiliation \
            else {"not-allowed"}
    if role == "participant" and affiliation == actor_affiliation and affiliation not in rules.revoke_equal:
        return {"not-allowed"}
    return set()


def may_set_affiliation(rules, actor, before, wanted, own, other_owners):
    """9.1 to 9.5, 10.3 to 10.8, 5.2.2"""
    if rank(actor) < rank("admin"):
        return rules.not_admin
    if own and wanted == "outcast":
        if actor == "owner" and other_owners and not rules.equal_or_lower_only:
            return None
        return {"conflict"} | (set() if rules.equal_or_lower_only else {"not-allowed"})
    if actor == "owner":
        return {"conflict"} if own and wanted != "owner" and not other_owners else set()
    if before == wanted and rank(before) >= rank("admin"):
        return None
    if rank(before) >= rank("admin") or rank(wanted) >= rank("admin"):
        return {"forbidden", "not-allowed"}
    return set()


def may_list_affiliation(rules, settings, actor, is_occupant, which):
    """True, False or None: open."""
    open_jids = settings.whois == "anyone"
    if actor == "owner" or actor == "admin" and which in ("outcast", "member"):
        return True
    if which == "outcast":
        return False if not open_jids or rules.members_list_open else None
    if which == "member":
        if actor in ("member", "admin") and open_jids:
            return True if rules.members_list_open or settings.members_only else None
        return False if not open_jids else None
    if open_jids or actor == "admin" and rules.admins_list_admins:
        return None
    return False


def may_list_role(actor, role, which):
    if role == "moderator":
        return True if which == "participant" or rank(actor) >= rank("admin") else None
    return None if rank(actor) >= rank("admin") else False


def may_private(settings, role):
    """muc#roomconfig_allowpm: the roles that may send private messages"""
    needed = {"anyone": "visitor", "participants": "participant", "moderators": "moderator", "none": None}
    lowest = needed[settings.allow_pm]
    return lowest is not None and role_rank(role) >= role_rank(lowest)
