"""Headers of this trade, each with what its column holds and what it is to a cohort."""

# ruff: noqa: E501 (tables are laid out as tables)

import numpy as np
import pandas as pd

N = 240


def _columns() -> dict[str, list[object]]:
    rng = np.random.default_rng(5)
    days = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 700, N), unit="D")
    return {
        "keys": [f"K-{i:05d}" for i in range(N)],
        "numbers": [100_000 + i for i in range(N)],
        "repeated": [f"K-{i % 150:05d}" for i in range(N)],
        "repeated numbers": [100_000 + i % 150 for i in range(N)],
        "1 to 10": list(rng.integers(1, 11, N)),
        "0 to 10": list(rng.integers(0, 11, N)),
        "1 to 5": list(rng.integers(1, 6, N)),
        "1 to 7": list(rng.integers(1, 8, N)),
        "0 to 100": list(rng.integers(0, 101, N)),
        "300 to 850": list(rng.integers(300, 851, N)),
        "dates": [f"{day:%Y-%m-%d}" for day in days],
        "some dates": [f"{day:%Y-%m-%d}" if i % 3 == 0 else "" for i, day in enumerate(days)],
        "0/1": list(rng.integers(0, 2, N)),
        "yes/no": list(rng.choice(["Yes", "No"], N)),
        "ja/nee": list(rng.choice(["ja", "nee"], N)),
        "true/false": list(rng.choice(["true", "false"], N)),
        "states": list(rng.choice(["Churned", "Active"], N)),
        "staten": list(rng.choice(["Opgezegd", "Actief"], N)),
        "0 to 72": list(rng.integers(0, 73, N)),
        "years": list(rng.integers(0, 11, N)),
        "0 to 900": list(rng.integers(0, 901, N)),
        "amounts": [float(x) for x in np.round(rng.gamma(2, 90, N), 2)],
        "three": list(rng.choice(["basic", "plus", "pro"], N)),
        "reasons": list(rng.choice(["price", "service", "moved"], N)),
        "sentences": [f"it was remark {i}" for i in range(N)],
    }


LABELLED = (
    # customers, and what only looks like one
    ("customer_id", "keys", "id"), ("CustomerID", "numbers", "id"), ("Customer Number", "numbers", "id"), ("client_no", "keys", "id"),
    ("klantnummer", "numbers", "id"), ("klant_id", "repeated", "id"), ("Klantnr", "numbers", "id"), ("relatienummer", "numbers", "id"),
    ("debiteurnummer", "keys", "id"), ("lidnummer", "numbers", "id"), ("user_uuid", "keys", "id"), ("member_number", "repeated numbers", "id"),
    ("e-mailadres", "keys", "id"), ("AccountId", "repeated", "id"), ("abonnementnummer", "keys", "id"), ("company_id", "repeated", "id"),
    ("bedrijfsnummer", "repeated numbers", "id"), ("contact_id", "keys", "id"), ("subscriber_key", "keys", "id"), ("polisnummer", "keys", "id"),
    ("response_id", "keys", "other"), ("respondentnummer", "numbers", "other"), ("survey_id", "numbers", "other"), ("enquête_id", "keys", "other"),
    ("row_number", "numbers", "other"), ("Unnamed: 0", "numbers", "other"), ("ticket_nr", "keys", "other"), ("customer_order_id", "keys", "other"),
    ("factuurnummer", "numbers", "other"), ("index", "numbers", "other"), ("account_manager_id", "repeated", "other"), ("volgnummer", "numbers", "other"),
    ("store_id", "repeated numbers", "other"), ("postcode", "repeated", "other"), ("case_number", "numbers", "other"), ("regelnummer", "numbers", "other"),
    # scores
    ("csat_score", "1 to 10", "score"), ("NPS", "0 to 10", "score"), ("Q1 likelihood to recommend", "0 to 10", "score"), ("Satisfaction", "1 to 5", "score"),
    ("CES", "1 to 7", "score"), ("overall_experience", "1 to 10", "score"), ("rapportcijfer", "1 to 10", "score"), ("klanttevredenheid", "1 to 5", "score"),
    ("aanbevelingsscore", "0 to 10", "score"), ("beoordeling", "1 to 10", "score"), ("star_rating", "1 to 5", "score"), ("tevredenheid_0_100", "0 to 100", "score"),
    ("credit_score", "300 to 850", "other"), ("churn_risk_score", "1 to 10", "other"), ("number_of_products", "1 to 5", "other"), ("aantal_bezoeken", "0 to 10", "other"),
    # dates
    ("survey_date", "dates", "survey"), ("response date", "dates", "survey"), ("datum_enquête", "dates", "survey"), ("cancel_date", "some dates", "end"),
    ("churned_at", "some dates", "end"), ("opzegdatum", "some dates", "end"), ("einddatum", "some dates", "end"), ("SignupDate", "dates", "signup"),
    ("customer_since", "dates", "signup"), ("startdatum", "dates", "signup"), ("aanmelddatum", "dates", "signup"), ("klant_sinds", "dates", "signup"),
    ("observed_until", "dates", "observed_until"), ("peildatum", "dates", "observed_until"), ("geboortedatum", "dates", "date"), ("last_login", "dates", "date"),
    # losses, and how long
    ("churned", "0/1", "event"), ("Churn", "yes/no", "event"), ("opgezegd", "ja/nee", "event"), ("customer_status", "states", "event"),
    ("klantstatus", "staten", "event"), ("Exited", "0/1", "event"), ("is_active", "true/false", "event"), ("has_left", "true/false", "event"),
    ("auto_renew", "yes/no", "adjust"), ("nieuwsbrief", "ja/nee", "adjust"),
    ("tenure", "0 to 72", "duration"), ("months_active", "0 to 72", "duration"), ("Tenure (yrs)", "years", "duration"), ("looptijd_maanden", "0 to 72", "duration"),
    ("jaren_klant", "years", "duration"), ("days_since_survey", "0 to 900", "duration"), ("maanden", "0 to 72", "duration"), ("follow_up_months", "0 to 72", "follow_up"),
    ("months_at_survey", "0 to 72", "entry"), ("contract_months", "0 to 72", "other"), ("days_since_last_login", "0 to 900", "other"), ("age", "0 to 72", "other"),
    # money, categories
    ("spend_next_12m", "amounts", "spend"), ("omzet_na_enquête", "amounts", "spend"), ("annual_revenue", "amounts", "spend"), ("besteding", "amounts", "spend"),
    ("spend_before", "amounts", "spend_before"), ("omzet_vorig_jaar", "amounts", "spend_before"), ("monthly_charge", "amounts", "other"), ("marge", "amounts", "margin"),
    ("plan", "three", "adjust"), ("regio", "three", "adjust"), ("abonnementsvorm", "three", "adjust"), ("churn_reason", "reasons", "cause"),
    ("opzegreden", "reasons", "cause"), ("plan_after_survey", "three", "after"), ("retention_offer", "yes/no", "after"), ("toelichting", "sentences", "other"),
)  # fmt: skip
"""Header, kind of values, role: the vocabulary was written beside these."""

UNSEEN = (
    ("cust_id", "keys", "id"), ("ClientID", "numbers", "id"), ("klantcode", "keys", "id"), ("Household key", "keys", "id"),
    ("gebruikers_id", "keys", "id"), ("contractnummer", "numbers", "id"), ("msisdn", "numbers", "id"), ("email", "keys", "id"),
    ("organisatie_id", "repeated", "id"), ("relatie_id", "keys", "id"), ("interaction_id", "keys", "other"), ("order_no", "numbers", "other"),
    ("enquetenummer", "numbers", "other"), ("RecordID", "numbers", "other"), ("call_id", "keys", "other"), ("melding_nr", "numbers", "other"),
    ("product_id", "repeated", "other"), ("zaaknummer", "numbers", "other"), ("agent_code", "repeated", "other"), ("feedback_id", "keys", "other"),
    ("net_promoter_score", "0 to 10", "score"), ("How satisfied are you?", "1 to 5", "score"), ("nps_score", "0 to 10", "score"),
    ("klantwaardering", "1 to 10", "score"), ("cijfer_service", "1 to 10", "score"), ("customer effort", "1 to 7", "score"),
    ("zou_u_ons_aanbevelen", "0 to 10", "score"), ("likelihood_to_churn", "1 to 10", "other"), ("engagement_score", "1 to 10", "other"),
    ("leads", "0 to 10", "other"), ("interview_date", "dates", "survey"), ("invuldatum", "dates", "survey"), ("date_of_survey", "dates", "survey"),
    ("termination_date", "some dates", "end"), ("datum_opzegging", "some dates", "end"), ("subscription_end_date", "some dates", "end"),
    ("contract_start", "dates", "signup"), ("ingangsdatum", "dates", "signup"), ("registered_on", "dates", "signup"),
    ("created_at", "dates", "signup"), ("extract_date", "dates", "observed_until"), ("date_of_birth", "dates", "date"),
    ("laatste_aankoop", "dates", "date"), ("attrition_flag", "0/1", "event"), ("cancelled", "yes/no", "event"), ("vertrokken", "ja/nee", "event"),
    ("status", "states", "event"), ("left_company", "0/1", "event"), ("still_customer", "yes/no", "event"), ("beëindigd", "0/1", "event"),
    ("has_partner", "yes/no", "adjust"), ("tenure_days", "0 to 900", "duration"), ("customer_lifetime_months", "0 to 72", "duration"),
    ("duur_in_maanden", "0 to 72", "duration"), ("maanden_actief", "0 to 72", "duration"), ("survival_time", "0 to 900", "duration"),
    ("months_since_response", "0 to 72", "duration"), ("months_observed", "0 to 72", "duration"), ("aantal_maanden", "0 to 72", "duration"),
    ("days_to_resolve", "0 to 900", "other"), ("revenue_after", "amounts", "spend"), ("besteding_komend_jaar", "amounts", "spend"),
    ("total_spend", "amounts", "spend"), ("orderbedrag", "amounts", "spend"), ("profit", "amounts", "margin"), ("price", "amounts", "other"),
    ("segment", "three", "adjust"), ("Geslacht", "three", "adjust"), ("reden_vertrek", "reasons", "cause"),
    ("cancellation_reason", "reasons", "cause"), ("pakket_na_meting", "three", "after"), ("region", "three", "adjust"),
)  # fmt: skip
"""Headers that were labelled after the vocabulary was written, and not looked at before it was measured."""

ROMANCE = (
    ("id_cliente", "keys", "id"), ("Código cliente", "keys", "id"), ("numero_cliente", "numbers", "id"), ("Nº de cuenta", "numbers", "id"),
    ("id_usuario", "repeated", "id"), ("código_do_cliente", "keys", "id"), ("id_assinante", "numbers", "id"), ("numero_client", "numbers", "id"),
    ("identifiant_client", "keys", "id"), ("code_abonné", "keys", "id"), ("id_empresa", "repeated", "id"), ("numero_contrat", "numbers", "id"),
    ("id_encuesta", "keys", "other"), ("numero_pedido", "numbers", "other"), ("id_respuesta", "keys", "other"), ("id_pesquisa", "keys", "other"),
    ("numero_commande", "numbers", "other"), ("id_tienda", "repeated", "other"), ("numero_facture", "numbers", "other"), ("id_chamado", "keys", "other"),
    ("satisfacción", "1 to 10", "score"), ("satisfação", "1 to 5", "score"), ("satisfaction_client", "1 to 10", "score"),
    ("recomendación", "0 to 10", "score"), ("probabilidade_de_recomendar_nps", "0 to 10", "score"), ("recommandation", "0 to 10", "score"),
    ("calificación", "1 to 5", "score"), ("avaliação", "1 to 5", "score"), ("nota", "1 to 10", "score"), ("puntuación", "1 to 10", "score"),
    ("esfuerzo", "1 to 7", "score"), ("esforço", "1 to 7", "score"), ("riesgo", "1 to 10", "other"), ("edad", "0 to 72", "other"),
    ("fecha_encuesta", "dates", "survey"), ("data_da_pesquisa", "dates", "survey"), ("date_enquête", "dates", "survey"), ("fecha_respuesta", "dates", "survey"),
    ("fecha_baja", "some dates", "end"), ("data_cancelamento", "some dates", "end"), ("date_résiliation", "some dates", "end"), ("fecha_fin", "some dates", "end"),
    ("fecha_alta", "dates", "signup"), ("data_cadastro", "dates", "signup"), ("date_inscription", "dates", "signup"), ("fecha_inicio", "dates", "signup"),
    ("cliente_desde", "dates", "signup"), ("client_depuis", "dates", "signup"), ("fecha_nacimiento", "dates", "date"), ("última_compra", "dates", "date"),
    ("data_de_nascimento", "dates", "date"), ("date_de_naissance", "dates", "date"), ("fecha_corte", "dates", "observed_until"),
    ("cancelado", "0/1", "event"), ("baja", "yes/no", "event"), ("cancelou", "0/1", "event"), ("résilié", "0/1", "event"), ("activo", "0/1", "event"),
    ("ativo", "yes/no", "event"), ("estado_civil", "three", "adjust"), ("antigüedad_meses", "0 to 72", "duration"), ("meses_ativo", "0 to 72", "duration"),
    ("ancienneté", "0 to 72", "duration"), ("mois", "0 to 72", "duration"), ("meses", "0 to 72", "duration"), ("dias_activo", "0 to 900", "duration"),
    ("gasto_anual", "amounts", "spend"), ("gasto_despues", "amounts", "spend"), ("dépenses", "amounts", "spend"), ("faturamento", "amounts", "spend"),
    ("montant", "amounts", "spend"), ("gasto_anterior", "amounts", "spend_before"), ("margen", "amounts", "margin"), ("precio", "amounts", "other"),
    ("motivo_baja", "reasons", "cause"), ("raison_départ", "reasons", "cause"), ("región", "three", "adjust"), ("plano", "three", "adjust"), ("segmento", "three", "adjust"),
)  # fmt: skip
"""Headers in Spanish, Portuguese and French."""


AUDITED = (
    ("Kundennummer", "numbers", "id"), ("customer code", "keys", "id"), ("cust_no", "numbers", "id"), ("policyholder_id", "keys", "id"),
    ("SubscriberID", "numbers", "id"), ("guest_id", "keys", "id"), ("patient_id", "keys", "id"), ("donor_id", "keys", "id"),
    ("buyer_id", "keys", "id"), ("shopper_id", "keys", "id"), ("klant", "keys", "id"), ("huurdernummer", "numbers", "id"),
    ("verzekerde_nr", "numbers", "id"), ("aansluitnummer", "numbers", "id"), ("licence_holder_no", "numbers", "id"),
    ("loyalty_card_number", "numbers", "id"), ("account_number", "numbers", "id"), ("organization_id", "repeated", "id"),
    ("tenant_id", "repeated", "id"), ("deelnemer_id", "keys", "id"), ("ResponseId", "keys", "other"), ("Respondent ID", "numbers", "other"),
    ("session_id", "keys", "other"), ("conversation_id", "keys", "other"), ("transaction_id", "keys", "other"), ("bestelnummer", "numbers", "other"),
    ("inzending_id", "keys", "other"), ("dossiernummer", "numbers", "other"), ("employee_id", "repeated numbers", "other"),
    ("case_id", "keys", "other"), ("branch_id", "repeated", "other"), ("submission_id", "keys", "other"), ("campaign_id", "repeated", "other"),
    ("advisor_id", "repeated", "other"), ("medewerker_id", "repeated", "other"), ("supplier_number", "repeated numbers", "other"),
    ("line_no", "numbers", "other"), ("Overall satisfaction", "1 to 10", "score"), ("recommend", "0 to 10", "score"), ("CSAT", "1 to 5", "score"),
    ("rating", "1 to 5", "score"), ("waardering", "1 to 10", "score"), ("eindcijfer", "1 to 10", "score"),
    ("How easy was it to solve your issue?", "1 to 7", "score"), ("NPS-score", "0 to 10", "score"), ("algemene tevredenheid", "1 to 10", "score"),
    ("cx_score", "1 to 10", "score"), ("ervaring", "1 to 10", "score"), ("klantreis_cijfer", "1 to 10", "score"),
    ("health_score", "1 to 10", "other"), ("lead_score", "0 to 100", "other"), ("household_size", "1 to 5", "other"),
    ("aantal_klachten", "0 to 10", "other"), ("support_tickets", "0 to 10", "other"), ("survey_completed_at", "dates", "survey"),
    ("Recorded Date", "dates", "survey"), ("meetdatum", "dates", "survey"), ("datum_onderzoek", "dates", "survey"),
    ("feedback_date", "dates", "survey"), ("unsubscribed_at", "some dates", "end"), ("date_left", "some dates", "end"),
    ("vertrekdatum", "some dates", "end"), ("beeindigingsdatum", "some dates", "end"), ("lapse_date", "some dates", "end"),
    ("churn_date", "some dates", "end"), ("cancellation_date", "some dates", "end"), ("joined", "dates", "signup"),
    ("member_since", "dates", "signup"), ("inschrijfdatum", "dates", "signup"), ("activation_date", "dates", "signup"),
    ("first_purchase_date", "dates", "signup"), ("lid_sinds", "dates", "signup"), ("export_date", "dates", "observed_until"),
    ("snapshot_date", "dates", "observed_until"), ("datum_laatste_contact", "dates", "date"), ("next_billing_date", "dates", "date"),
    ("churn_flag", "0/1", "event"), ("Attrition", "yes/no", "event"), ("is_churned", "true/false", "event"), ("lapsed", "0/1", "event"),
    ("terminated", "0/1", "event"), ("opzegging", "ja/nee", "event"), ("actief", "ja/nee", "event"), ("retained", "0/1", "event"),
    ("renewed", "0/1", "event"), ("unsubscribed", "0/1", "event"), ("tenure_months", "0 to 72", "duration"), ("months", "0 to 72", "duration"),
    ("time_to_churn", "0 to 900", "duration"), ("klantduur", "0 to 72", "duration"), ("maanden_lid", "0 to 72", "duration"),
    ("relationship_length_months", "0 to 72", "duration"), ("months_as_customer", "0 to 72", "duration"), ("duration_days", "0 to 900", "duration"),
    ("waiting_days", "0 to 900", "other"), ("leeftijd", "0 to 72", "other"), ("revenue_12m", "amounts", "spend"), ("sales", "amounts", "spend"),
    ("omzet", "amounts", "spend"), ("uitgaven", "amounts", "spend"), ("amount_spent_next_year", "amounts", "spend"),
    ("previous_spend", "amounts", "spend_before"), ("gross_margin", "amounts", "margin"), ("income", "amounts", "other"),
    ("discount_pct", "amounts", "other"), ("unit_price", "amounts", "other"), ("country", "three", "adjust"), ("tier", "three", "adjust"),
    ("contract_type", "three", "adjust"), ("segmentnaam", "three", "adjust"), ("gender", "three", "adjust"), ("vertrekreden", "reasons", "cause"),
    ("exit_reason", "reasons", "cause"), ("opmerkingen", "sentences", "other"), ("complaint_after_survey", "yes/no", "after"),
    ("KundenNr.", "numbers", "id"), ("Mitgliedsnummer", "numbers", "id"), ("Debitor", "numbers", "id"), ("Gesamtzufriedenheit", "1 to 10", "score"),
    ("Bewertung", "1 to 5", "score"), ("Weiterempfehlungsbereitschaft", "0 to 10", "score"), ("Note", "1 to 5", "score"),
    ("Umfragedatum", "dates", "survey"), ("Datum der Befragung", "dates", "survey"), ("Vertragsende", "some dates", "end"),
    ("Anmeldedatum", "dates", "signup"), ("Kündigung", "0/1", "event"), ("abgewandert", "0/1", "event"), ("aktiv", "0/1", "event"),
    ("Laufzeit", "0 to 72", "duration"), ("Laufzeit (Monate)", "0 to 72", "duration"), ("Vertragslaufzeit", "0 to 72", "other"),
    ("Monate", "0 to 72", "duration"), ("Dauer in Monaten", "0 to 72", "duration"), ("Jahre Kunde", "years", "duration"),
    ("Umsatz", "amounts", "spend"), ("Ausgaben", "amounts", "spend"), ("Marge", "amounts", "margin"), ("Preis", "amounts", "other"),
    ("Region", "three", "adjust"), ("Umsatz Vorjahr", "amounts", "spend_before"), ("Antwort-ID", "keys", "other"),
    ("Zeilennummer", "numbers", "other"),
)  # fmt: skip
"""Headers in English, Dutch and German by which the vocabulary was mended."""

FRESH = (
    # English
    ("cardholder_id", "keys", "id"), ("Subscription No.", "numbers", "id"), ("membership_number", "numbers", "id"), ("customerRef", "keys", "id"),
    ("phone_number", "keys", "id"), ("traveller_id", "keys", "id"), ("invoice_id", "keys", "other"), ("chat_id", "keys", "other"),
    ("shipment_number", "numbers", "other"), ("years_as_member", "years", "duration"), ("Length of stay (months)", "0 to 72", "duration"),
    ("lifetime_in_days", "0 to 900", "duration"), ("delivery_days", "0 to 900", "other"), ("number_of_children", "1 to 5", "other"),
    ("Overall, how happy are you with our service?", "1 to 10", "score"), ("How likely are you to recommend us?", "0 to 10", "score"),
    ("ease_of_use", "1 to 7", "score"), ("quality_score", "1 to 10", "score"), ("fraud_score", "0 to 100", "other"),
    ("date_completed_survey", "dates", "survey"), ("Interviewed on", "dates", "survey"), ("rated_at", "dates", "survey"),
    ("deactivated_at", "some dates", "end"), ("date of cancellation", "some dates", "end"), ("exit_date", "some dates", "end"),
    ("uninstalled_on", "some dates", "end"), ("start_of_contract", "dates", "signup"), ("onboarded_at", "dates", "signup"),
    ("data_cutoff", "dates", "observed_until"), ("date_of_last_order", "dates", "date"), ("is_lost", "0/1", "event"),
    ("Cancelled?", "yes/no", "event"), ("still_active", "true/false", "event"), ("sales_next_year", "amounts", "spend"),
    ("turnover", "amounts", "spend"), ("sales_last_year", "amounts", "spend_before"), ("contribution_margin", "amounts", "margin"),
    ("reason_for_leaving", "reasons", "cause"), ("age_group", "three", "adjust"), ("product_line", "three", "adjust"),
    # Dutch
    ("pasnummer", "numbers", "id"), ("abonnee_nr", "numbers", "id"), ("huishoudnummer", "numbers", "id"), ("ordernummer", "numbers", "other"),
    ("klachtnummer", "numbers", "other"), ("maanden_klant", "0 to 72", "duration"), ("lidmaatschapsduur", "0 to 72", "duration"),
    ("wachttijd_dagen", "0 to 900", "other"), ("cijfer_algemeen", "1 to 10", "score"), ("gemak_score", "1 to 7", "score"),
    ("datum_ingevuld", "dates", "survey"), ("uitschrijfdatum", "some dates", "end"), ("datum_vertrek", "some dates", "end"),
    ("datum_aanmelding", "dates", "signup"), ("geboortejaar_datum", "dates", "date"), ("afgehaakt", "0/1", "event"),
    ("nog_klant", "ja/nee", "event"), ("besteed_bedrag", "amounts", "spend"), ("reden_opzegging", "reasons", "cause"), ("woonplaats", "three", "adjust"),
    # German
    ("Kunden-ID", "keys", "id"), ("Vertragsnummer", "numbers", "id"), ("Kontonummer", "numbers", "id"), ("Versichertennummer", "numbers", "id"),
    ("Rechnungsnummer", "numbers", "other"), ("Bestellnummer", "numbers", "other"), ("Zufriedenheit", "1 to 10", "score"),
    ("Weiterempfehlung", "0 to 10", "score"), ("Gesamtnote", "1 to 5", "score"), ("Befragungsdatum", "dates", "survey"),
    ("Umfrage am", "dates", "survey"), ("Kündigungsdatum", "some dates", "end"), ("Austrittsdatum", "some dates", "end"),
    ("Eintrittsdatum", "dates", "signup"), ("Kunde seit", "dates", "signup"), ("Vertragsbeginn", "dates", "signup"),
    ("Geburtsdatum", "dates", "date"), ("Stichtag", "dates", "observed_until"), ("gekündigt", "0/1", "event"), ("Aktiv", "yes/no", "event"),
    ("Vertragsdauer in Monaten", "0 to 72", "duration"), ("Kundendauer", "0 to 72", "duration"), ("Monate aktiv", "0 to 72", "duration"),
    ("Alter", "0 to 72", "other"), ("Umsatz nach Befragung", "amounts", "spend"), ("Jahresumsatz", "amounts", "spend"),
    ("Umsatz vorher", "amounts", "spend_before"), ("Deckungsbeitrag", "amounts", "margin"), ("Kündigungsgrund", "reasons", "cause"),
    ("Bundesland", "three", "adjust"), ("Tarif", "three", "adjust"),
)  # fmt: skip
"""Headers in English, Dutch and German, labelled before the vocabulary was looked at again: 76 of 91 were right at first sight."""


def labelled_table(labelled: tuple[tuple[str, str, str], ...]) -> pd.DataFrame:
    """All of them as columns of one table."""
    kinds = _columns()
    return pd.DataFrame({header: kinds[kind] for header, kind, _ in labelled})
