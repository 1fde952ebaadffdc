"""What headers say in English, Dutch, German, Spanish, Portuguese and French.

The vocabulary of this trade, matched on a header in plain letters.
"""

import re
import unicodedata

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

NUMBER = (
    r"(^|_)(ids?|uuid|guid|nr|no|num|number|key|code|ref|reference|hash|pk|sk)(_|$)|nummer|(?<!^l)(?<!_l)id$|(nr|code)$"
    r"|numero|codigo|identif(iant|icador)"
)
COUNT = (
    r"n|counts?|freq(uency)?|weight|gewicht|aantal|anzahl"
    r"|((n|nr|no|num(ber)?|count|total|aantal|anzahl|numero|nombre)_(of_|de_)?(the_)?)?"
    r"(customers|clients|consumers|members|subscribers|users|people|persons|respondents|klanten|leden|abonnees|gebruikers"
    r"|personen|kunden|mitglieder|clientes|clients|abonnes|usuarios)(_(count|n|aantal|anzahl))?"
    r"|(customer|client|member|subscriber|user|respondent|klant|kunden|mitglieder)_?(count|aantal|anzahl|n)"
)
"""Whole headers of how many customers a row stands for."""
BARE_NUMBER = r"(uu|gu)?id|key|number|nr|nummer|unique_(id|key)"
ADDRESS = r"e_?mail(_?(address|adres))?$"
CUSTOMER = (
    r"customer|cust(_|$)|client|consumer|klant|kunde|member(ship)?|(^|_)lid(?=_|n|$)|(^|_)user|gebruiker|nutzer|subscriber|abonnee|contact|requester|mitglied|buyer|shopper|huurder|verzekerde|licen[cs]e_?holder|loyalty_?card|card_?holder|klantenkaart|kundenkarte|(^|_)pas(?=_|n|$)|versichert(e[nr]?)?"
    r"|travell?er|passenger|reiziger|visitor|bezoeker"
    r"|person|persoon|debiteur|debitor|relatie|patient|guest|gast(?=_|n|$)|e_?mail|msisdn|deelnemer|policyholder|donor|player"
    r"|usuario|utilisateur|assinante|su[bs]*criptor|abonado|abonne(?=_|s|$)|(^|_)socio|membre|segurado"
)
ACCOUNT = r"account|acct|rekening|aansluit(ing)?|konto|cuenta|(^|_)conta(?=_|s|$)|compte(?=_|s|$)"
AGREEMENT = (
    r"subscription|abonnement|contract|policy|polis|vertrag|contrat|poliza|apolice|suscripcion|assinatura"
)
COMPANY = (
    r"company|organi[sz]ati(on)?|bedrijf|firma|household|huishoud(en)?|haushalt|unternehmen|merchant|tenant|(^|_)org(_|$)"
    r"|empresa|entreprise|societe|hogar|foyer"
)
NO_CUSTOMER = (
    r"(^|_)row|(^|_)rij|regel|zeile|index|record|respon|antwoord|survey|enquete|vragenlijst|umfrage|ticket|(^|_)case|zaak"
    r"|incident|melding|order|bestel|factuur|invoice|transact|event|session|sessie|(^|_)call|gesprek|chat|interview"
    r"|product|artikel|store|winkel|filiaal|branch|agent|employee|medewerker|(^|_)rep(_|$)|manager|adviseur|campaign"
    r"|campagne|postcode|(^|_)zip|phone|telefoon|iban|unnamed|(^|_)line|seq|volg|batch|import|export|rating|review"
    r"|encuesta|pesquisa|sondage|reponse|respuesta|resposta|pedido|commande|factura|fatura|facture|produ(it|cto|to)(?=_|s|$)"
    r"|tienda|(^|_)loja|magasin|empleado|vendedor|vendeur|(^|_)fila|ligne|chamado|llamada|(^|_)appel|reclamac|incidencia"
)

SCORES = (
    r"csat|klanttevreden|customer_satisf|overall_satisf",
    r"nps|likelihood_to_recommend|(^|_)ltr(_|$)|recommend|aanbevel|aanbeveel|weiterempfehl|recomend|recommand",
    r"satisf|tevreden|zufrieden|(^|_)happ(y|iness)(_|$)|glucklich",
    r"(^|_)ces(_|$)|effort|moeite|gemak|aufwand|esfuerzo|esforco|(^|_)eas(y|e)(_|$)",
    r"rapportcijfer|cijfer|waardering|beoordeling|bewertung|schulnote|rating|stars?(_|$)|sterren|sterne|review"
    r"|calificac|puntuac|puntaje|valorac|avaliac|pontuac|(^|_)nota(_|$)|estrellas|estrelas|etoiles|evaluation",
    r"experience|ervaring|klantbeleving|score|punten|(^|_)(gesamt)?note(_|$)",
)
NO_SCORE = (
    r"churn|credit|krediet|kredit|risk|risico|risiko|lead|propensity|health|engagement|usage|gebruik|fraud|sentiment|model"
    r"|probab|kans|predict|quality|(^|_)age(_|$)|prev|vorig|last_year|visits|number_of|aantal|anzahl|order|days|dagen"
    r"|riesgo|risque|probabil|previ(o|ous)|anterior|precedent|edad(_|$)|idade|numero_de|nombre_de|cantidad|quantidade|dias(_|$)"
    r"|jours|pedidos|visitas"
)
EFFORT = r"effort|(^|_)ces(_|$)|moeite|aufwand|esfuerzo|esforco"

LOST = (
    r"churn|cancel|opgezegd|opzegging|gekundigt|kundigung|attrit|exited|(^|_)exit(_|$)"
    r"|resili|desabonn|(^|_)baja(_|$)|desligad",
    r"lost(_|$)|(^|_)left(_|$)|vertrokken|verloren|beeindigd|gestopt|terminated|closed|lapsed|defected|(^|_)weg$|abgang"
    r"|unsubscribed|deactivated|(^|_)gone|uitgeschreven|afgemeld|afgehaakt|overgestapt|abgewandert|abwander|perdid|(^|_)perdu|abandon|(^|_)parti(_|$)|encerrad",
    r"(^|_)event|inactive|inactief|inaktiv|inativ|inactif|(^|_)quit|ended",
    r"status|(^|_)estad?[ot]us(_|$)|(^|_)estado(_|$)|statut|situac",
)
STAYED = (
    r"(^|_)active|retained|retention|stayed|actief|gebleven|aktiv|(^|_)renewed|verlengd|still|current_customer|(^|_)nog_(klant|lid)|noch_(kunde|mitglied)"
    r"|is_customer|(^|_)activ[oa](_|$)|(^|_)ativ[oa](_|$)|(^|_)actifs?(_|$)|retenid|(^|_)retido|fidel|vigente|(^|_)es_cliente"
)
NO_EVENT = (
    r"auto|marital|employ|burger|opt_?in|opt_?out|payment|betaal|order|member|newsletter"
    r"|prev|reason|reden|grund|before|ooit|civil|motivo|razon|razao|raison|motif|pago|paiement|antes|avant"
)
LOST_WORDS = frozenset((
    "churned", "churn", "lost", "left", "cancelled", "canceled", "cancel", "closed", "terminated", "exited", "inactive",
    "ended", "expired", "lapsed", "attrited", "gone", "stopped", "attrited customer", "former customer", "opgezegd",
    "beeindigd", "vertrokken", "verloren", "gestopt", "inactief", "weg", "uitgeschreven", "ex klant", "oud klant",
    "gekundigt", "inaktiv", "abgewandert", "beendet", "ausgetreten", "cancelado", "cancelada", "baja", "de baja",
    "perdido", "perdida", "inactivo", "inactiva", "inativo", "inativa", "encerrado", "resilie", "perdu", "parti",
    "inactif", "ex cliente", "ex client",
))  # fmt: skip
STAYED_WORDS = frozenset((
    "active", "stayed", "retained", "current", "joined", "new", "open", "customer", "existing", "ongoing", "live",
    "kept", "renewed", "existing customer", "current customer", "actief", "gebleven", "lopend", "klant", "nieuw",
    "behouden", "aktiv", "geblieben", "kunde", "laufend", "bestand", "neu",
    "activo", "activa", "ativo", "ativa", "actif", "vigente", "cliente", "client", "fidele",
))  # fmt: skip

MARKS = frozenset(("x", "v", "✓", "✔", "☑", "*"))
"""What is written beside those of whom something holds, the others left blank."""

UNITS = {
    "month": r"month|maand|monat|(^|_)mnd(en)?(_|$)|(^|_)mths?(_|$)|(^|_)mos?(_|$)|(^|_)mes(es)?(_|$)|(^|_)mois(_|$)",
    "year": r"year|(^|_)jaar|(^|_)jaren|jahre?(_|$)|(^|_)yrs?(_|$)|jaren(_|$)"
    r"|(^|_)anos?(_|$)|(^|_)ans?(_|$)|annees?(_|$)",
    "week": r"week|weken|woche|semanas?(_|$)|semaines?(_|$)",
    "day": r"(^|_)days?(_|$)|(^|_)dagen|dagen(_|$)|(^|_)tage|(^|_)dias?(_|$)|(^|_)jours?(_|$)",
    "quarter": r"quarter|kwarta|quartal|trimestr",
}
SINCE_SCORE = (
    r"(since|after|post|from|na|sinds|vanaf|nach|seit)_(the_)?(survey|score|rating|response|enquete|onderzoek|umfrage|nps|csat)"
    r"|time_to_(churn|event|loss|cancel)|survival_time|months_observed|observed_(months|days|weeks|years)|gevolgd"
    r"|(desde|despues|depois|depuis|apres)(_de|_da|_do|_du|_la|_el|_le|_l|_a|_o)*_(encuesta|pesquisa|enquete|sondage|nps|csat|nota)"
)
DURATIONS = (
    SINCE_SCORE,
    r"survival|(^|_)duration|(^|_)duur|(^|_)dauer_|dauer$|(^|_)duree|duracion|duracao",
    r"(meses|dias|anos|mois|jours)_(activ|ativ|actif)|(months|days|weeks|years)_active|active_(months|days|weeks|years)|(maanden|dagen|jaren)_actief|monate_aktiv",
    r"tenure|customer_lifetime|lifetime_(in_)?(months|days|weeks|years)|customer_age|account_(length|age)|relationship|klantduur|lidmaatschapsduur|looptijd|(^|_)laufzeit|(monate|jahre|wochen|tage)_(als_)?(kunde|mitglied)"
    r"|(maanden|jaren|jaar|dagen)_(klant|lid)|klant_(maanden|jaren)|ancienniteit|(months|years|days)_(as|with|on|at)"
    r"|time_spen[dt]_(in_|at_|with_)?(the_)?company|with_company|kundendauer|vertragsdauer|zugehorigkeit|stay|length_of|subscription_(months|days|length)|time_as"
    r"|antigued|antiguidade|anciennete|permanencia|(meses|anos|dias)_(como_)?cliente|(mois|ans)_client|tempo_de_casa",
    r"^(n_|num_|number_of_|aantal_|anzahl_|numero_de_|nombre_de_)?(meses|mois|semanas|semaines|dias|jours|anos|ans|annees|trimestres"
    r"|tiempo|tempo|temps|months?|maanden|monate|weeks?|weken|wochen|days?|dagen|tage|years?|jaren|jahre"
    r"|quarters?|kwartalen|time|tijd|zeit)$",
)
SNAPSHOT = DURATIONS[3]
TIME_SPENT = r"(time|hours?|minutes?|mins?|days?)_spen[dt]"
RATE = r"(^|_)(daily|weekly|monthly|yearly|avg|average|mean|per|gem|gemiddelde?|durchschnitt\w*)(_|$)"
NO_DURATION = (
    rf"{RATE}|manager|role|position|promotion|training|career|(^|_)address|total_working|charge|revenue|omzet|(?<!time_)spen[dt]|refund|price|prijs|last|laatste|since_(login|purchase|order)|login|visit|to_renewal"
    r"|renewal|(^|_)age$|support|minutes|delivery|levertijd|response_time|wait|overdue|trial|open_tickets|budget|resolve"
)
CONTRACT = r"contract|commit|vertragslauf|contractduur|contractlooptijd|contrat"
FOLLOW_UP = r"follow_?up|observable|max_months|potential|followup|opvolg"
ENTRY = r"(at|bij|on|before|tot|until|bei)_(the_)?(survey|score|enquete|umfrage|rating)|(^|_)entry"

UNTIL = (
    r"observed|extract|peildatum|as_of|snapshot"
    r"|extrac(cion|ao)|(^|_)corte(_|$)|stichtag|cut_?off|(^|_)until|(report|run|data)_date|export"
)
SURVEY = (
    r"survey|score|submit|respon|recorded|rated|rating|answer|feedback|enquete|onderzoek|antwoord|beoordel|umfrage|befragung|bewert|nps|csat"
    r"|encuesta|pesquisa|sondage|repon[st]|respuesta|resposta|avaliac|calificac|evaluation|interview|(^|_)asked|ingevuld|invul|reviewed"
)
MEASURED = r"meetdatum|messdatum|measure(d|ment)"
SENT = r"sent|send|invit|verstuur|verzonden|uitnodig|versand|envi(o|ad)|envo(i|y)"
END = (
    r"cancel|churn|(^|_)left|clos(ed|ing)|terminat|(^|_)lost|exit|opzeg|opgezegd|beeindig|vertrek|vertrok|uitschrijf|uitgeschreven"
    r"|afgemeld|kundig|austritt|deactiv|lapse|(^|_)(un|dis)_?(subscri|regist|enrol|install)|abgewander|abwander|(^|_)stop|(^|_)baja(_|$)|resili|desabonn|(^|_)depart(_|$)|salida|(^|_)saida|encerram|rescis",
    r"(^|_)fi[nm](_|$)|(^|_)termino|(^|_)end|eind|ende(_|$)|ended|expir|(^|_)tot(_|$)|verloop|bis$",
)
SIGNUP = (
    r"sign_?(ed_)?up|signup|join|aanmeld|inschrij|regist|(klant|lid|customer|member|kunde|client)_(sinds|since|seit|vanaf)|anmeld|eintritt"
    r"|onboard|subscribed|acquir|(^|_)since|activat(ion|ed)|(^|_)alta(_|$)|inscri|registro|cadastro|adhesi|adesao|souscri"
    r"|(cliente?|usuario|socio|membre)_(desde|depuis)|contratac",
    r"start|creat|first_(purchase|order)|eerste_(aankoop|bestelling)|open(ed|ing)|begin|ingang|beginn|aangemaakt|entry_date"
    r"|(^|_)inicio|(^|_)debut|apertura|abertura|ouverture|criacao|primera_compra|primeira_compra|premier_achat",
)
DAY = r"date|datum|(^|_)(at|on|op|am|day|dag|tag|fecha|data)(_|$)"
NO_ROLE_DATE = (
    r"birth|geboorte|geburt|(^|_)dob|last_|laatste|letzte|renew|verleng|updated|gewijzigd|modified"
    r"|next_|volgende|due|verval|payment|betaal|factuur|invoice|deliver|lever"
    r"|nacimiento|nascimento|naissance|ultim|dernier|proxim|prochain|renov|(^|_)pago|pagamento|paiement|a[ct]{1,2}ualiz"
    r"|mise_a_jour|entrega|livraison|vencim"
)

SPEND = (
    r"spend|spent|besteding|besteed|uitgaven|ausgaben|umsatz|omzet|revenue|sales|turnover|purchase_(value|amount)|monetary"
    r"|(^|_)gast(o|os|ado)(_|$)|depens|facturacion|faturamento|chiffre_d_affaires|receita|(^|_)ventas|(^|_)vendas|compras(_|$)",
    r"amount|bedrag|betrag|(^|_)value(_|$)|(^|_)monto|importe|montant|(^|_)valor(_|$)|valeur",
)
MARGIN = (
    r"margin|marge|profit|winst|contribution|gewinn|deckungsbeitrag|margen|margem|beneficio|lucro|benefice"
)
NO_SPEND = (
    rf"{TIME_SPENT}|clv|ltv|lifetime|budget|limit|refund|charge|price|prijs|discount|korting|balance|saldo"
    r"|cash_?back|(^|_)[am]rr(_|$)"
    r"|predict|expected|income|inkomen|salary|precio|preco|(^|_)prix|descuento|desconto|remise|presupuesto|numero_de|nombre_de"
)
SPENT_MONTHS = r"(\d{1,3})_?(m|mnd|months?|maanden|monate)(_|$)"
CURRENCY = r"(^|_)(eur|usd|gbp|chf|cad|aud|nzd|sgd|hkd|sek|nok|dkk|pln|czk|brl|inr|jpy|zar|mxn)(_|$)"
AFTER = (
    r"(^|_)after|(^|_)post(_|$)|(^|_)next|following|subsequent|(^|_)later|future|(^|_)volgend|(^|_)na(_|$)|nadien|(^|_)erna|(^|_)nach"
    r"|despues|(^|_)depois|(^|_)apres|posterior|siguiente|seguinte|suivant|(^|_)folge|follow_?up|win_?back|retention_offer|behoudaanbod|save_(offer|desk)"
)
SPEND_WINDOW = rf"{AFTER}|annual_spend|12_?m(_|$)|window"
BEFORE = (
    r"(^|_)before|(^|_)prior|(^|_)prev|(^|_)past|vorig|(^|_)voor_|(^|_)voorafgaand|(^|_)vor_|vorjahr|(^|_)(vorher|zuvor|ervoor)(_|$)|last_year|historic"
    r"|(^|_)antes|anterior|(^|_)avant|precedent"
)
CAUSE = (
    r"churn.*(categ|reason)|cancel.*reason|opzegreden|reden|(^|_)cause|oorzaak|reason|kundigungsgrund|(^|_)grund"
    r"|motivo|razon|razao|raison|(^|_)motif|(^|_)causa"
)
OUTCOME = (
    r"churn|status|cancel|opzeg|opgezegd|kundig|(^|_)exit|outcome|resultaat|(^|_)baja(_|$)|resili"
    rf"|estado_(del?_|do_)?client|{CAUSE}|{AFTER}"
)
ACTIVE = r"(^|_)active|inactive|actief|inactief|aktiv|inaktiv|(^|_)(in)?ac?tiv[oa](_|$)|(^|_)(in)?actif"
LATER = rf"{AFTER}|churn|cancel|opzeg|opgezegd|kundig|(^|_)exit"
CODED = r"(^|_)(encoded|enc|coded|dummy)(_|$)"
NO_ADJUST = (
    r"name|naam|comment|opmerking|toelichting|verbatim|description|e_?mail|phone|telefoon|adres|address|free_text|notes?$"
    r"|(^|_)nombre(_|$)|(^|_)nome(_|$)|(^|_)nom(_|$)|comentario|commentaire|observac|correo|direccion|endereco"
    rf"|(nps|csat)_(category|segment|group|class)|promoter|detractor|{CODED}"
)


def in_plain_letters(header: str) -> str:
    """Write a header in small letters without accents, its words joined by underscores.

    Examples
    --------
    >>> in_plain_letters("Datum Enquête"), in_plain_letters("CustomerID"), in_plain_letters("e-mail")
    ('datum_enquete', 'customer_id', 'e_mail')
    """
    letters = without_accents(_CAMEL.sub("_", header)).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", letters.lower()).strip("_")


def without_accents(text: str) -> str:
    """Write letters without accents; those of other alphabets stay.

    Examples
    --------
    >>> without_accents("Müller & Söhne")
    'Muller & Sohne'
    """
    letters = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def says(header: str, pattern: str) -> bool:
    """Whether a header, in plain letters, matches a pattern."""
    return re.search(pattern, header) is not None


def says_who_stayed(header: str) -> bool:
    """Whether a header, in plain letters, says who stayed rather than who was lost."""
    return says(header, STAYED) and not says(header, "|".join(LOST[:-1]))
