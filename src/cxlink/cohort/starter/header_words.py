"""What headers say, in English, Dutch and German: the trade's vocabulary, matched on a header in plain letters."""

import re
import unicodedata

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

NUMBER = r"(^|_)(ids?|uuid|guid|nr|no|num|number|key|code|ref|reference|hash|pk|sk)(_|$)|nummer|(id|nr|code)$"
BARE_NUMBER = r"(uu|gu)?id|key|number|nr|nummer|unique_(id|key)"
ADDRESS = r"e_?mail(_?(address|adres))?$"
CUSTOMER = (
    r"customer|cust(_|$)|client|consumer|klant|kunde|member|(^|_)lid(?=_|n|$)|(^|_)user|gebruiker|nutzer|subscriber|abonnee|contact"
    r"|person|persoon|debiteur|debitor|relatie|patient|guest|gast(?=_|n|$)|e_?mail|msisdn|deelnemer|policyholder|donor|player"
)
ACCOUNT = r"account|acct|rekening|aansluiting|konto"
AGREEMENT = r"subscription|abonnement|contract|policy|polis|vertrag"
COMPANY = (
    r"company|organi[sz]ati|bedrijf|firma|household|huishouden|unternehmen|merchant|tenant|(^|_)org(_|$)"
)
NO_CUSTOMER = (
    r"(^|_)row|(^|_)rij|regel|zeile|index|record|respon|antwoord|survey|enquete|vragenlijst|umfrage|ticket|(^|_)case|zaak"
    r"|incident|melding|order|bestel|factuur|invoice|transact|event|session|sessie|(^|_)call|gesprek|chat|interview"
    r"|product|artikel|store|winkel|filiaal|branch|agent|employee|medewerker|(^|_)rep(_|$)|manager|adviseur|campaign"
    r"|campagne|postcode|(^|_)zip|phone|telefoon|iban|unnamed|(^|_)line|seq|volg|batch|import|export|rating|review"
)

SCORES = (
    r"csat|klanttevreden|customer_satisf|overall_satisf",
    r"nps|likelihood_to_recommend|(^|_)ltr(_|$)|recommend|aanbevel|aanbeveel|weiterempfehl",
    r"satisf|tevreden|zufrieden",
    r"(^|_)ces(_|$)|effort|moeite|gemak|aufwand",
    r"rapportcijfer|cijfer|waardering|beoordeling|bewertung|schulnote|rating|stars?(_|$)|sterren|sterne|review",
    r"experience|ervaring|klantbeleving|score|punten|(^|_)note(_|$)",
)
NO_SCORE = (
    r"churn|credit|krediet|kredit|risk|risico|risiko|lead|propensity|health|engagement|usage|gebruik|fraud|sentiment|model"
    r"|probab|kans|predict|quality|(^|_)age(_|$)|prev|vorig|last_year|visits|number_of|aantal|anzahl|order|days|dagen"
)
EFFORT = r"effort|(^|_)ces(_|$)|moeite|aufwand"

LOST = (
    r"churn|cancel|opgezegd|opzegging|gekundigt|kundigung|attrit|exited|(^|_)exit(_|$)",
    r"lost(_|$)|(^|_)left(_|$)|vertrokken|verloren|beeindigd|gestopt|terminated|closed|lapsed|defected|(^|_)weg$|abgang"
    r"|unsubscribed|deactivated|(^|_)gone|uitgeschreven|afgemeld",
    r"(^|_)event|inactive|inactief|inaktiv|(^|_)quit|ended",
    r"status",
)
STAYED = (
    r"(^|_)active|retained|retention|stayed|actief|gebleven|aktiv|(^|_)renewed|verlengd|still|current_customer"
    r"|is_customer"
)
NO_EVENT = (
    r"auto|marital|employ|burger|opt_?in|opt_?out|payment|betaal|order|member|newsletter"
    r"|prev|reason|reden|grund|before|ooit"
)
LOST_WORDS = frozenset((
    "churned", "churn", "lost", "left", "cancelled", "canceled", "cancel", "closed", "terminated", "exited", "inactive",
    "ended", "expired", "lapsed", "attrited", "gone", "stopped", "attrited customer", "former customer", "opgezegd",
    "beeindigd", "vertrokken", "verloren", "gestopt", "inactief", "weg", "uitgeschreven", "ex klant", "oud klant",
    "gekundigt", "inaktiv", "abgewandert", "beendet", "ausgetreten",
))  # fmt: skip
STAYED_WORDS = frozenset((
    "active", "stayed", "retained", "current", "joined", "new", "open", "customer", "existing", "ongoing", "live",
    "kept", "renewed", "existing customer", "current customer", "actief", "gebleven", "lopend", "klant", "nieuw",
    "behouden", "aktiv", "geblieben", "kunde", "laufend", "bestand", "neu",
))  # fmt: skip

UNITS = {
    "month": r"month|maand|monat|(^|_)mnd(en)?(_|$)|(^|_)mths?(_|$)|(^|_)mos?(_|$)",
    "year": r"year|(^|_)jaar|(^|_)jaren|jahre?(_|$)|(^|_)yrs?(_|$)|jaren(_|$)",
    "week": r"week|weken|woche",
    "day": r"(^|_)days?(_|$)|(^|_)dagen|dagen(_|$)|(^|_)tage",
    "quarter": r"quarter|kwarta|quartal",
}
SINCE_SCORE = (
    r"(since|after|post|from|na|sinds|vanaf|nach|seit)_(the_)?(survey|score|rating|response|enquete|onderzoek|umfrage|nps|csat)"
    r"|time_to_(churn|event|loss|cancel)|survival_time|months_observed|observed_(months|days|weeks|years)|gevolgd"
)
DURATIONS = (
    SINCE_SCORE,
    r"survival|(^|_)duration|(^|_)duur|dauer$",
    r"(months|days|weeks|years)_active|active_(months|days|weeks|years)|(maanden|dagen|jaren)_actief|monate_aktiv",
    r"tenure|customer_lifetime|lifetime_(months|days)|customer_age|account_(length|age)|relationship|klantduur|looptijd"
    r"|(maanden|jaren|jaar|dagen)_(klant|lid)|klant_(maanden|jaren)|ancienniteit|(months|years|days)_(as|with|on|at)"
    r"|time_spen[dt]_(in_|at_|with_)?(the_)?company|with_company|kundendauer|vertragsdauer|zugehorigkeit|stay|length_of|subscription_(months|days|length)|time_as",
    r"^(n_|num_|number_of_|aantal_|anzahl_)?(months?|maanden|monate|weeks?|weken|wochen|days?|dagen|tage|years?|jaren|jahre"
    r"|quarters?|kwartalen|time|tijd|zeit)$",
)
SNAPSHOT = DURATIONS[3]
TIME_SPENT = r"(time|hours?|minutes?|mins?|days?)_spen[dt]"
RATE = r"(^|_)(daily|weekly|monthly|yearly|avg|average|mean|per|gem|gemiddelde?|durchschnitt\w*)(_|$)"
NO_DURATION = (
    rf"{RATE}|manager|role|position|promotion|training|career|(^|_)address|total_working|charge|revenue|omzet|(?<!time_)spen[dt]|refund|price|prijs|last|laatste|since_(login|purchase|order)|login|visit|to_renewal"
    r"|renewal|(^|_)age$|support|minutes|delivery|levertijd|response_time|wait|overdue|trial|open_tickets|budget|resolve"
)
CONTRACT = r"contract|commit|vertragslauf|contractduur|contractlooptijd"
FOLLOW_UP = r"follow_?up|observable|max_months|potential|followup|opvolg"
ENTRY = r"(at|bij|on|before|tot|until|bei)_(the_)?(survey|score|enquete|umfrage|rating)|(^|_)entry"

UNTIL = (
    r"observed|extract|peildatum|as_of|snapshot"
    r"|stichtag|cut_?off|(^|_)until|meetdatum|(report|run|data)_date|export"
)
SURVEY = (
    r"survey|score|submit|respon|rated|rating|answer|feedback|enquete|onderzoek|antwoord|beoordel|umfrage|befragung|bewert|nps|csat"
    r"|interview|(^|_)asked|ingevuld|invul|reviewed"
)
SENT = r"sent|send|invit|verstuur|verzonden|uitnodig|versand"
END = (
    r"cancel|churn|(^|_)left|clos(ed|ing)|terminat|(^|_)lost|exit|opzeg|opgezegd|beeindig|vertrek|vertrok|uitschrijf|uitgeschreven"
    r"|afgemeld|kundig|austritt|deactiv|(^|_)stop",
    r"(^|_)end|eind|ende(_|$)|ended|expir|(^|_)tot(_|$)|verloop|bis$",
)
SIGNUP = (
    r"sign_?(ed_)?up|signup|join|aanmeld|inschrij|regist|(klant|lid|customer|member|kunde|client)_(sinds|since|seit|vanaf)|anmeld|eintritt"
    r"|onboard|subscribed|acquir|(^|_)since|activat(ion|ed)",
    r"start|creat|first_(purchase|order)|eerste_(aankoop|bestelling)|open(ed|ing)|begin|ingang|beginn|aangemaakt|entry_date",
)
NO_ROLE_DATE = (
    r"birth|geboorte|geburt|(^|_)dob|last_|laatste|letzte|renew|verleng|updated|gewijzigd|modified"
    r"|next_|volgende|due|verval|payment|betaal|factuur|invoice|deliver|lever"
)

SPEND = (
    r"spend|spent|besteding|besteed|uitgaven|ausgaben|umsatz|omzet|revenue|sales|turnover|purchase_(value|amount)|monetary",
    r"amount|bedrag|betrag|(^|_)value(_|$)",
)
MARGIN = r"margin|marge|profit|winst|contribution|gewinn|deckungsbeitrag"
NO_SPEND = (
    rf"{TIME_SPENT}|clv|ltv|lifetime|budget|limit|refund|charge|price|prijs|discount|korting|balance|saldo"
    r"|cash_?back|(^|_)[am]rr(_|$)"
    r"|predict|expected|income|inkomen|salary"
)
AFTER = (
    r"(^|_)after|(^|_)post(_|$)|(^|_)next|following|subsequent|(^|_)later|future|(^|_)volgend|(^|_)na(_|$)|nadien|(^|_)erna|(^|_)nach"
    r"|(^|_)folge|follow_?up|win_?back|retention_offer|behoudaanbod|save_(offer|desk)"
)
SPEND_WINDOW = rf"{AFTER}|annual_spend|12_?m(_|$)|window"
BEFORE = r"(^|_)before|(^|_)prior|(^|_)prev|(^|_)past|vorig|(^|_)voor_|(^|_)voorafgaand|(^|_)vor_|last_year|historic"
CAUSE = r"churn.*(categ|reason)|cancel.*reason|opzegreden|reden|(^|_)cause|oorzaak|reason|kundigungsgrund|(^|_)grund"
OUTCOME = rf"churn|status|cancel|opzeg|opgezegd|kundig|(^|_)exit|outcome|resultaat|{CAUSE}|{AFTER}"
ACTIVE = r"(^|_)active|inactive|actief|inactief|aktiv|inaktiv"
LATER = rf"{AFTER}|churn|cancel|opzeg|opgezegd|kundig|(^|_)exit"
CODED = r"(^|_)(encoded|enc|coded|dummy)(_|$)"
NO_ADJUST = (
    r"name|naam|comment|opmerking|toelichting|verbatim|description|e_?mail|phone|telefoon|adres|address|free_text|notes?$"
    rf"|(nps|csat)_(category|segment|group|class)|promoter|detractor|{CODED}"
)


def in_plain_letters(header: str) -> str:
    """Write a header in small letters without accents, its words joined by underscores.

    Examples
    --------
    >>> in_plain_letters("Datum Enquête"), in_plain_letters("CustomerID"), in_plain_letters("e-mail")
    ('datum_enquete', 'customer_id', 'e_mail')
    """
    letters = unicodedata.normalize("NFKD", _CAMEL.sub("_", header)).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", letters.lower()).strip("_")


def says(header: str, pattern: str) -> bool:
    """Whether a header, in plain letters, matches a pattern."""
    return re.search(pattern, header) is not None
