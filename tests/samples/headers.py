"""Headers of this trade in English and Dutch, each with what its column holds and what it is to a cohort."""

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


def labelled_table(labelled: tuple[tuple[str, str, str], ...]) -> pd.DataFrame:
    """All of them as columns of one table."""
    kinds = _columns()
    return pd.DataFrame({header: kinds[kind] for header, kind, _ in labelled})
